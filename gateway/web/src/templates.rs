//! The typed registry of page templates and the frame around every page. Templates are compiled into
//! the program and parsed once per language; everything they show is escaped, and only `frame.hbs`
//! takes finished HTML. A template never decides anything: it is given words.

use crate::locale::Lang;
use handlebars::{Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, ScopedJson};
use kakehashi_core::vocabulary::Locale;
use serde::Serialize;
use std::sync::LazyLock;

macro_rules! sources {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../templates/web/", $name, ".hbs")))),+]
    };
}

/// Every template by name.
const SOURCES: &[(&str, &str)] = sources![
    "frame",
    "csrf",
    "chip",
    "todo",
    "post",
    "board",
    "envelope",
    "picture",
    "login",
    "home",
    "timeline",
    "zoom",
    "triage_list",
    "triage_item",
    "tick_box",
    "fault_here",
    "intakes",
    "intake",
    "interfaces",
    "messages",
    "message",
    "outbox",
    "fax",
    "rules",
    "facilities",
    "audit",
    "settings",
    "fault",
    "code",
    "code_gone",
    "code_files",
    "note",
    "note_sent",
    "api_docs",
];

static JA: LazyLock<Handlebars<'static>> = LazyLock::new(|| registry(Lang(Locale::Ja)));
static EN: LazyLock<Handlebars<'static>> = LazyLock::new(|| registry(Lang(Locale::En)));

fn registry(lang: Lang) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.set_prevent_indent(true);
    registry.register_helper("t", Box::new(Words(lang)));
    for (name, source) in SOURCES {
        // The sources are part of the program and a test parses every one of them; if one is broken
        // all the same, its page becomes the fault page with a case number.
        if let Err(error) = registry.register_template_string(name, *source) {
            tracing::error!(template = name, %error, "a template cannot be parsed");
        }
    }
    registry
}

/// `{{t "key" value…}}`: the words of a key; the result is escaped like any value.
struct Words(Lang);

impl HelperDef for Words {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let text = |i: usize| {
            helper.param(i).map(|p| match p.value() {
                serde_json::Value::String(s) => s.clone(),
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            })
        };
        let key = text(0).unwrap_or_default();
        let values: Vec<String> = (1..helper.params().len()).filter_map(text).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        Ok(ScopedJson::Derived(self.0.tf(&key, &values).into()))
    }
}

/// Renders one template; a fault is logged without values and given back for the fault page.
pub(crate) fn render<T: Serialize>(
    lang: Lang,
    name: &'static str,
    page: &T,
) -> Result<String, TemplateFault> {
    let registry = match lang.0 {
        Locale::Ja => &*JA,
        Locale::En => &*EN,
    };
    registry.render(name, page).map_err(|error| {
        tracing::error!(
            template = name,
            line = error.line_no,
            column = error.column_no,
            "a template cannot be rendered"
        );
        TemplateFault
    })
}

/// A template and its page do not fit; the log has the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TemplateFault;

/// A link of the main navigation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NavLink {
    /// Where to.
    pub href: String,
    /// Its word.
    pub label: String,
    /// Whether this is the page shown.
    pub current: bool,
    /// A number that wants attention, if any.
    pub count: Option<u32>,
}

/// Who is logged in, as shown at the right of the bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// Facility.
    pub facility: String,
    /// Person.
    pub name: String,
    /// Token of the session's forms.
    pub csrf: String,
}

/// A page in the common look. `body` is finished HTML: whoever builds it has escaped every value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Language of the page.
    pub locale: Locale,
    /// Title, without the program's name.
    pub title: String,
    /// Main navigation; empty for pages without login.
    pub nav: Vec<NavLink>,
    /// Who is logged in.
    pub signature: Option<Signature>,
    /// Finished HTML of the content.
    pub body: String,
    /// Large print.
    pub large: bool,
    /// What live updates concern this page: `groups`, `triage`, a group id; none for still pages.
    pub live: Option<String>,
}

impl Page {
    /// A page without navigation and login.
    #[must_use]
    pub fn plain(locale: Locale, title: impl Into<String>, body: String) -> Self {
        Self { locale, title: title.into(), nav: Vec::new(), signature: None, body, large: false, live: None }
    }
}

#[derive(Serialize)]
struct Frame<'a> {
    lang: &'a str,
    title: &'a str,
    nav: &'a [NavLink],
    signature: Option<&'a Signature>,
    body: &'a str,
    large: bool,
    live: Option<&'a str>,
    csrf: Option<&'a str>,
    style: String,
    script: String,
}

/// Puts a page into the frame: head, bar, navigation, content. Used by the server's own pages too.
#[must_use]
pub fn render_page(page: &Page) -> String {
    let lang = Lang(page.locale);
    let frame = Frame {
        lang: lang.code(),
        title: &page.title,
        nav: &page.nav,
        signature: page.signature.as_ref(),
        body: &page.body,
        large: page.large,
        live: page.live.as_deref(),
        csrf: page.signature.as_ref().map(|s| s.csrf.as_str()),
        style: crate::assets::path_of("style.css"),
        script: crate::assets::path_of("app.js"),
    };
    render(lang, "frame", &frame).unwrap_or_else(|TemplateFault| page.body.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses_and_uses_only_known_words() {
        let keys: std::collections::HashSet<&str> = crate::locale::keys().collect();
        for (name, source) in SOURCES {
            handlebars::Template::compile(source).unwrap_or_else(|e| panic!("{name}: {e}"));
            let mut rest = *source;
            while let Some(at) = rest.find("t \"") {
                let before = rest[..at].chars().last();
                rest = &rest[at + 3..];
                if !matches!(before, Some('{' | '(')) {
                    continue;
                }
                let key = rest.split('"').next().unwrap_or_default();
                assert!(keys.contains(key), "{name}: no words for {key}");
            }
            if *name != "frame" {
                assert!(!source.contains("{{{"), "{name} shows a value without escaping it");
            }
            assert!(
                !source.contains(" style=") && !source.contains(" onclick="),
                "{name}: not allowed by our CSP"
            );
        }
    }

    #[test]
    fn a_value_is_escaped_in_text_in_attributes_and_inside_words() {
        let lang = Lang(Locale::Ja);
        let html = lang_render(
            lang,
            r#"<a title="{{x}}">{{x}}</a>{{t "triage.done" x}}"#,
            "\"><script>alert(1)</script>",
        );
        assert!(!html.contains("<script>") && !html.contains("\">\""), "{html}");
    }

    fn lang_render(lang: Lang, source: &str, value: &str) -> String {
        let registry = registry(lang);
        registry.render_template(source, &serde_json::json!({ "x": value })).unwrap()
    }
}
