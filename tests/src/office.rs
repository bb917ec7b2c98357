//! The pages as somebody at the network office uses them, over plain HTTP: login, a page, a saved
//! original. The browser tests look at the same pages with a real browser.

use crate::gateway::Gateway;
use std::time::Duration;
use ureq::http::Response;
use ureq::{Agent, Body};

/// A session of somebody of the network office.
pub struct Office {
    agent: Agent,
    base: String,
    cookies: Vec<String>,
}

/// A client that follows no redirect and takes every status as an answer.
#[must_use]
pub fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(30)))
        .build();
    config.into()
}

impl Office {
    /// Somebody without a login, such as a member with a link from a mail.
    #[must_use]
    pub fn guest(gateway: &Gateway) -> Self {
        Self { agent: agent(), base: gateway.url(""), cookies: Vec::new() }
    }

    /// Logs in as the office of the demo.
    ///
    /// # Panics
    /// It is refused.
    #[must_use]
    pub fn log_in(gateway: &Gateway) -> Self {
        Self::log_in_as(gateway, "watabe", "sakurami-demo")
    }

    /// Logs in.
    ///
    /// # Panics
    /// It is refused.
    #[must_use]
    pub fn log_in_as(gateway: &Gateway, name: &str, password: &str) -> Self {
        let mut office = Self { agent: agent(), base: gateway.url(""), cookies: Vec::new() };
        let (status, form) = office.get("/login");
        assert_eq!(status, 200, "the login page");
        let csrf = between(&form, "name=\"csrf\" value=\"", "\"").unwrap_or_default().to_owned();
        let (status, _) = office
            .post("/login", &[("csrf", &csrf), ("next", "/"), ("login_name", name), ("password", password)]);
        assert!((300..400).contains(&status), "login as {name} answered {status}");
        office
    }

    /// A page: status and text.
    pub fn get(&mut self, path: &str) -> (u16, String) {
        let (status, bytes) = self.get_bytes(path);
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A file: status and bytes.
    ///
    /// # Panics
    /// There is no answer.
    pub fn get_bytes(&mut self, path: &str) -> (u16, Vec<u8>) {
        let request =
            self.agent.get(format!("{}{path}", self.base)).header("Cookie", self.cookies.join("; "));
        let answer = request.call().unwrap_or_else(|e| panic!("GET {path}: {e}"));
        self.take(answer)
    }

    /// Sends a form: status and text.
    ///
    /// # Panics
    /// There is no answer.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let request =
            self.agent.post(format!("{}{path}", self.base)).header("Cookie", self.cookies.join("; "));
        let answer = request.send_form(fields.iter().copied()).unwrap_or_else(|e| panic!("POST {path}: {e}"));
        let (status, bytes) = self.take(answer);
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Sends a form that could carry files: status and text.
    ///
    /// # Panics
    /// There is no answer.
    pub fn post_parts(&mut self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let boundary = format!("kakehashi-{:032x}", rand::random::<u128>());
        let mut body = String::new();
        for (name, value) in fields {
            body += &format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        body += &format!("--{boundary}--\r\n");
        let request =
            self.agent.post(format!("{}{path}", self.base)).header("Cookie", self.cookies.join("; "));
        let request = request.header("Content-Type", format!("multipart/form-data; boundary={boundary}"));
        let answer = request.send(body).unwrap_or_else(|e| panic!("POST {path}: {e}"));
        let (status, bytes) = self.take(answer);
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Paths of all items in triage, as listed.
    ///
    /// # Panics
    /// The list cannot be read.
    pub fn triage(&mut self) -> Vec<String> {
        let (status, text) = self.get("/triage");
        assert_eq!(status, 200, "/triage");
        links(&text, "/triage/")
    }

    /// Paths of all intakes, newest first.
    ///
    /// # Panics
    /// The list cannot be read.
    pub fn intakes(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        let mut page = "/intakes".to_owned();
        loop {
            let (status, text) = self.get(&page);
            assert_eq!(status, 200, "{page}");
            found.extend(links(&text, "/intakes/"));
            match links(&text, "/intakes?before=").pop() {
                Some(older) => page = older,
                None => return found,
            }
        }
    }

    fn take(&mut self, mut answer: Response<Body>) -> (u16, Vec<u8>) {
        for set in answer.headers().get_all("set-cookie") {
            let pair = set.to_str().unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
            let name = pair.split('=').next().unwrap_or_default().to_owned() + "=";
            self.cookies.retain(|c| !c.starts_with(&name));
            self.cookies.push(pair);
        }
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(64 * 1024 * 1024).read_to_vec();
        (status, body.unwrap_or_else(|e| panic!("answer broken: {e}")))
    }
}

/// Every `href` that begins like this, once each, in order.
#[must_use]
pub fn links(html: &str, beginning: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in html.split("href=\"").skip(1) {
        let link = rest.split('"').next().unwrap_or_default().replace("&#x3D;", "=").replace("&amp;", "&");
        if link.starts_with(beginning) && !found.contains(&link) {
            found.push(link);
        }
    }
    found
}

/// What stands between two texts.
#[must_use]
pub fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}
