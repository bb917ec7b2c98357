//! What a reader of the mail cannot see: elements that their own style or `hidden` takes off the screen, as
//! the lines for a mail program's preview are and what a program keeps for itself. Only what stands at the
//! element counts; style sheets and positions are not worked out, and where it is not plain which text an
//! element holds, nothing is left out.

use super::attributes;

/// Open elements that are followed; a mail that nests deeper is shown whole.
const MAX_DEPTH: usize = 256;

/// How much of an element can be seen. The worst of all that stand around it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sight {
    /// All.
    Seen,
    /// It has its place and no text: an inner element may be seen again.
    Blank,
    /// It is not there at all, with everything in it.
    Gone,
}

/// What one element says of itself; `None` goes by what is around it.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    gone: bool,
    invisible: Option<bool>,
    tiny: Option<bool>,
}

#[derive(Debug)]
struct Element {
    name: String,
    /// Found once: the ends of a hostile page are looked for again and again.
    block: bool,
    own: Own,
    /// With all that stands around it.
    gone: bool,
    invisible: bool,
    tiny: bool,
}

/// The elements that are open at a place of the page.
#[derive(Debug, Default)]
pub(super) struct Open {
    elements: Vec<Element>,
    too_deep: bool,
}

impl Open {
    /// How much can be seen here.
    pub(super) fn sight(&self) -> Sight {
        match self.elements.last() {
            Some(element) if element.gone => Sight::Gone,
            Some(element) if element.invisible || element.tiny => Sight::Blank,
            _ => Sight::Seen,
        }
    }

    /// True if it was never plain where the hidden text ended: then nothing counts as hidden.
    pub(super) fn in_doubt(&self) -> bool {
        let unended = |e: &Element| e.own.gone && !ends_by_itself(&e.name);
        self.too_deep || self.elements.iter().any(unended)
    }

    /// `<name …>`; `tag` is all between the angle brackets.
    pub(super) fn opens(&mut self, name: &str, tag: &str) {
        if is_void(name) || name.is_empty() {
            return;
        }
        self.end_before(name);
        if self.elements.len() == MAX_DEPTH {
            self.too_deep = true;
            return;
        }
        let own = own(name, tag);
        let block = is_block(name);
        self.elements.push(Element {
            name: name.to_owned(),
            block,
            own,
            gone: false,
            invisible: false,
            tiny: false,
        });
        self.settle(self.elements.len() - 1);
    }

    /// How much of the element can be seen that `</name>` ends; an end that belongs to nothing is where it
    /// stands.
    pub(super) fn sight_of_end(&self, name: &str) -> Sight {
        match self.ended_by(name) {
            Some(at) if self.elements[at].gone => Sight::Gone,
            Some(_) => Sight::Seen,
            None => self.sight(),
        }
    }

    /// `</name>`: an end that belongs to nothing open changes nothing.
    pub(super) fn closes(&mut self, name: &str) {
        let Some(at) = self.ended_by(name) else { return };
        if is_formatting(name) {
            self.elements.remove(at);
            self.settle(at);
        } else {
            self.elements.truncate(at);
        }
    }

    fn ended_by(&self, name: &str) -> Option<usize> {
        let (of_table, of_page) = (is_of_table(name), matches!(name, "body" | "html"));
        let (block, formatting) = (is_block(name), is_formatting(name));
        // What keeps an end of this name from what stands around it.
        let is_wall = |open: &Element| {
            if of_page {
                false
            } else if of_table {
                open.name == "table"
            } else if block || formatting {
                matches!(open.name.as_str(), "td" | "th" | "table" | "caption")
            } else {
                open.block
            }
        };
        for (at, open) in self.elements.iter().enumerate().rev() {
            if open.name == name {
                return Some(at);
            }
            if is_wall(open) {
                return None;
            }
        }
        None
    }

    /// Ends what a tag of this name ends without saying so: a paragraph before a block, an item before the next.
    fn end_before(&mut self, name: &str) {
        let (ended, walls): (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol", "menu"]),
            "dt" | "dd" => (&["dt", "dd"], &["dl"]),
            "option" => (&["option"], &["select", "datalist"]),
            "td" | "th" => (&["td", "th"], &["table", "tr"]),
            "tr" => (&["tr"], &["table"]),
            "tbody" | "thead" | "tfoot" => (&["tbody", "thead", "tfoot"], &["table"]),
            _ if is_block(name) => (&["p"], &["td", "th", "table", "caption", "button"]),
            _ => return,
        };
        for at in (0..self.elements.len()).rev() {
            let open = self.elements[at].name.as_str();
            if ended.contains(&open) {
                self.elements.truncate(at);
                return;
            }
            if walls.contains(&open) {
                return;
            }
        }
    }

    fn settle(&mut self, from: usize) {
        for at in from..self.elements.len() {
            let around = at.checked_sub(1).map(|outer| &self.elements[outer]);
            let (gone, invisible, tiny) =
                around.map_or((false, false, false), |e| (e.gone, e.invisible, e.tiny));
            let element = &mut self.elements[at];
            element.gone = gone || element.own.gone;
            element.invisible = element.own.invisible.unwrap_or(invisible);
            element.tiny = element.own.tiny.unwrap_or(tiny);
        }
    }
}

/// Elements whose end may be left out.
fn ends_by_itself(name: &str) -> bool {
    matches!(name, "p" | "li" | "dt" | "dd" | "td" | "th" | "tr" | "tbody" | "thead" | "tfoot" | "option")
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements that browsers let overlap with others.
fn is_formatting(name: &str) -> bool {
    matches!(
        name,
        "a" | "b"
            | "big"
            | "code"
            | "em"
            | "font"
            | "i"
            | "nobr"
            | "s"
            | "small"
            | "strike"
            | "strong"
            | "tt"
            | "u"
    )
}

fn is_of_table(name: &str) -> bool {
    matches!(name, "table" | "caption" | "tbody" | "thead" | "tfoot" | "tr" | "td" | "th")
}

fn is_block(name: &str) -> bool {
    is_of_table(name)
        || matches!(
            name,
            "address"
                | "article"
                | "aside"
                | "blockquote"
                | "body"
                | "center"
                | "details"
                | "dd"
                | "dir"
                | "div"
                | "dl"
                | "dt"
                | "fieldset"
                | "figure"
                | "footer"
                | "form"
                | "h1"
                | "h2"
                | "h3"
                | "h4"
                | "h5"
                | "h6"
                | "header"
                | "hr"
                | "html"
                | "li"
                | "main"
                | "menu"
                | "nav"
                | "ol"
                | "p"
                | "pre"
                | "section"
                | "summary"
                | "ul"
        )
}

fn own(name: &str, tag: &str) -> Own {
    let mut own = Own::default();
    let mut hidden = matches!(name, "template" | "datalist");
    let mut shown = None;
    for (attribute, value) in attributes::each(tag) {
        if attribute.eq_ignore_ascii_case("hidden") {
            hidden = true;
        } else if attribute.eq_ignore_ascii_case("style") {
            shown = style(name, &value.to_ascii_lowercase(), &mut own);
        } else if name == "font" && attribute.eq_ignore_ascii_case("size") {
            own.tiny = own.tiny.or(Some(false));
        }
    }
    // A style is stronger than the attribute.
    own.gone |= shown.map_or(hidden, |shown| !shown);
    own
}

/// Reads one `style`, in lower case. Returns whether `display` lets it be seen, if it says so.
fn style(name: &str, text: &str, own: &mut Own) -> Option<bool> {
    let mut shown: Option<(bool, bool)> = None;
    let (mut flat, mut clipped, mut hidden_by_outlook) = (false, false, false);
    for declaration in text.split(';') {
        let Some((property, value)) = declaration.split_once(':') else { continue };
        let value = value.trim();
        let plain = value.trim_end_matches("important").trim_end();
        let important = plain.len() < value.len() && plain.ends_with('!');
        let value = if important { plain.trim_end_matches('!').trim_end() } else { value };
        match property.trim() {
            "display" if important || shown.is_none_or(|(_, important)| !important) => {
                shown = Some((value != "none", important));
            }
            "visibility" => match value {
                "hidden" | "collapse" => own.invisible = Some(true),
                "visible" | "initial" => own.invisible = Some(false),
                _ => {}
            },
            "font-size" => own.tiny = is_tiny(value).or(own.tiny),
            "font" => own.tiny = value.split([' ', '/']).find_map(is_tiny_length).or(own.tiny),
            "mso-hide" => hidden_by_outlook = value == "all",
            "opacity" => own.gone |= is_zero(value.trim_end_matches('%')),
            // Rows and cells are as high as their text whatever they say.
            "max-height" | "height" if !is_of_table(name) => {
                flat |= length(value).is_some_and(|n| n == 0.0);
            }
            "overflow" => clipped = value == "hidden",
            _ => {}
        }
    }
    let shown = shown.map(|(shown, _)| shown);
    // A button for all programs but Outlook says besides how it is to be shown.
    own.gone |= flat && clipped || hidden_by_outlook && shown.is_none();
    shown
}

/// What `font-size` says: too small to be seen, or not; `None` where it goes by what is around it.
fn is_tiny(value: &str) -> Option<bool> {
    match value {
        "inherit" | "larger" | "smaller" | "unset" => None,
        _ if length(value).is_some() => is_tiny_length(value),
        _ => Some(false),
    }
}

/// One length: nothing, or a sign of one dot, is not seen. A part of what is around it goes by that.
fn is_tiny_length(value: &str) -> Option<bool> {
    let n = length(value)?;
    let relative = value.ends_with('%') || value.ends_with("em") && !value.ends_with("rem");
    match n {
        0.0 => Some(true),
        _ if relative => None,
        n if value.ends_with("px") || value.ends_with("pt") => Some(n <= 1.0),
        _ => Some(false),
    }
}

/// The figure of a length, with or without a unit.
fn length(value: &str) -> Option<f32> {
    let end = value.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(value.len());
    let unit = &value[end..];
    let known = matches!(unit, "" | "px" | "pt" | "em" | "rem" | "ex" | "pc" | "in" | "cm" | "mm" | "%");
    known.then(|| value[..end].parse().ok()).flatten()
}

fn is_zero(value: &str) -> bool {
    value.parse::<f32>().is_ok_and(|n| n == 0.0)
}

#[cfg(test)]
mod tests {
    use super::super::to_text;
    use proptest::prelude::*;

    /// Ways to say that an element is not to be seen, whatever stands in it.
    const GONE: &[&str] = &[
        "style=\"display:none\"",
        "style='DISPLAY : None !important; font-size:14px'",
        "style=display:none",
        "hidden",
        "hidden=\"\" class=x",
        "style=\"mso-hide:all\"",
        "style=\"display:none;mso-hide:all;visibility:hidden\"",
        "style=\"max-height:0px;overflow:hidden\"",
        "style=\"opacity:0;color:transparent\"",
    ];
    /// Ways to say so that an inner element can take back.
    const BLANK: &[&str] = &[
        "style=\"visibility:hidden\"",
        "style=\"font-size:0\"",
        "style=\"font-size:0px;line-height:0\"",
        "style=\"font-size:1px;color:#ffffff\"",
        "style=\"font:0/0 a\"",
    ];
    /// What only looks like it.
    const SEEN: &[&str] = &[
        "",
        "style=\"display:block\"",
        "style=\"display:none;display:block\"",
        "style=\"font-size:0.9em\"",
        "style=\"font-size:medium\"",
        "style=\"font-size:90%\"",
        "style=\"font-size:10px\"",
        "data-hidden title=\"hidden\"",
        "data-style=\"display:none\"",
        "title='style=\"display:none\"'",
        "aria-hidden=true",
        "style=\"overflow:hidden;max-width:0\"",
        "style=\"mso-hide:all;display:inline-block\"",
        "style=\"background:url('display:none')\"",
        "hidden style=\"display:block\"",
        "style=\"mso-hide:none;opacity:0.5\"",
        "style=\"height:0\"",
    ];
    const NAMES: &[&str] = &["div", "span", "p", "font", "b", "section", "blockquote", "x-y", "td"];

    fn any_of(list: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
        proptest::sample::select(list)
    }

    #[test]
    fn what_nobody_sees_is_left_out() {
        for how in GONE.iter().chain(BLANK) {
            let got = to_text(&format!("<body><div {how}>新着<b>情報</b></div><p>了解しました</p></body>"));
            assert_eq!(got, "了解しました", "{how}");
            let got = to_text(&format!(
                "<p>了解<span {how}>x</span>しました<p {how}>y<p>大塚<ul><li {how}>z<li>w</ul>"
            ));
            assert_eq!(got, "了解しました\n\n大塚\n\n・w", "{how}");
        }
        for how in SEEN {
            assert_eq!(to_text(&format!("<div {how}>了解</div><p>大塚</p>")), "了解\n\n大塚", "{how}");
        }
    }

    #[test]
    fn an_inner_element_is_seen_again() {
        // As the usual tools for mails build their columns.
        let columns = "<div style=\"font-size:0px\"><table><tr><td style=\"font-size:0px;padding:9px\">\
                       <div style=\"font-size:13px\">訪問は10時です</div></td></tr><tr><td> <font size=2>大塚</font></td></tr></table></div>";
        assert_eq!(to_text(&format!("{columns}。")), "訪問は10時です\n大塚\n\n。");
        let half = "<span style=\"font-size:0\">a<span style=\"font-size:50%\">b</span><span style=\"font-size:1rem\">c</span></span>";
        assert_eq!(to_text(half), "c");
        assert_eq!(
            to_text("<div style='visibility:hidden'>a<i style='visibility:visible'>b</i></div>c"),
            "b\n\nc".replace("\n\n", "\n")
        );
        assert_eq!(to_text("<div hidden>a<i style='display:block'>b</i></div>c"), "c");
    }

    #[test]
    fn in_doubt_everything_is_kept() {
        // Nothing else in the mail, or no end of what is hidden.
        assert_eq!(to_text("<div style='display:none'>了解しました</div>"), "了解しました");
        assert_eq!(to_text("<body style='display:none'><p>了解</p></body>"), "了解");
        assert_eq!(to_text("<p>大塚</p><div hidden>了解しました"), "大塚\n\n了解しました");
        assert_eq!(to_text("<p>大塚</p><span hidden><div>了解</span>しました"), "大塚\n\n了解しました");
        let deep = format!("{}<div hidden>了解</div>", "<div>".repeat(super::MAX_DEPTH));
        assert_eq!(to_text(&deep), "了解");
        // A style sheet is not worked out.
        assert_eq!(to_text("<style>.p{display:none}</style><i class=p>a</i>b"), "ab");
    }

    #[test]
    fn ends_are_found_as_browsers_find_them() {
        assert_eq!(to_text("<div><span hidden>a</div>b"), "b");
        assert_eq!(to_text("<b hidden>a<i>b</b>c</i>d"), "cd");
        assert_eq!(
            to_text(
                "<div style='font-size:0'><div style='font-size:9px'><table><td></div>a</table></div></div>b"
            ),
            "a\n\nb"
        );
        // A quote that ends around something hidden ends.
        assert_eq!(to_text("<blockquote>前<div hidden>x</blockquote>了解</div>"), "> 前\n了解");
        assert_eq!(to_text("<p hidden>a<br>b</p></p></span>c"), "c");
    }

    proptest! {
        #[test]
        fn hidden_text_goes_and_all_other_stays(
            pieces in proptest::collection::vec((any_of(NAMES), any_of(NAMES), 0..3_u8, any_of(GONE), any_of(BLANK), any_of(SEEN)), 1..12),
        ) {
            let mut html = String::from("<p>始</p>");
            let mut kept = vec!["始".to_owned()];
            for (at, (outer, inner, kind, gone, blank, seen)) in pieces.iter().enumerate() {
                let how = [seen, gone, blank][usize::from(*kind)];
                // A paragraph holds no block, a cell no other cell.
                let inner = if *outer == "p" || *inner == "td" { "b" } else { inner };
                html.push_str(&format!("<table><{outer} {how}>v{at}q<{inner}>w{at}q</{inner}></{outer}></table>z{at}q "));
                // A cell is as high as its text.
                let shown = *kind == 0 || (*outer == "td" && how.contains("max-height"));
                if shown {
                    kept.extend([format!("v{at}q"), format!("w{at}q")]);
                }
                kept.push(format!("z{at}q"));
            }
            let got: String = to_text(&html).chars().filter(|c| !matches!(c, '\n' | ' ' | '>')).collect();
            prop_assert_eq!(got, kept.concat(), "{}", html);
        }

        #[test]
        fn total_and_never_empty(pieces in proptest::collection::vec(
            prop_oneof!["</?(div|span|b|td|table|p|blockquote|a)>", any_of(GONE).prop_map(|g| format!("<div {g}>")),
                any_of(BLANK).prop_map(|g| format!("<span {g}>")), Just("あ".to_owned())], 0..60),
        ) {
            let html = pieces.concat();
            let got = to_text(&html);
            prop_assert_eq!(got.contains('あ'), html.contains('あ'), "{}", html);
        }
    }
}
