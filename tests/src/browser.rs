//! A real browser, driven by WebDriver: Chromium without a window, on a profile of its own that is thrown
//! away. Screenshots go to `KAKEHASHI_SCREENSHOTS`, if it is set, for people to look at.

use crate::wait;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A browser with its driver.
pub struct Browser {
    driver: Child,
    /// What tests use.
    pub client: Client,
    _profile: TempDir,
}

impl Browser {
    /// Starts one with a window of this size. `None`, and a line that says so, where no Chromium is.
    ///
    /// # Panics
    /// Chromium is there but does not start.
    pub async fn open(width: u32, height: u32) -> Option<Self> {
        Self::start(&format!("--window-size={width},{height}"), None).await
    }

    /// Starts one that shows pages as a telephone does; a window cannot be that narrow.
    ///
    /// # Panics
    /// Chromium is there but does not start.
    pub async fn open_phone(width: u32, height: u32) -> Option<Self> {
        let screen = json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": 2.0, "touch": true } });
        Self::start("--window-size=800,1000", Some(screen)).await
    }

    async fn start(size: &str, phone: Option<serde_json::Value>) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).ok()?.port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own, so that Chromium ends with its driver also when a test fails.
            .process_group(0)
            .spawn();
        let Ok(driver) = driver else {
            println!("the browser test was not run: chromedriver is not installed");
            return None;
        };
        wait::until("chromedriver", Duration::from_secs(20), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        let profile = TempDir::new().ok()?;
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--lang=ja",
        ];
        let mut arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        arguments.push(size.to_owned());
        let mut options = json!({ "args": arguments, "prefs": { "intl.accept_languages": "ja,en" } });
        if let Some(phone) = phone {
            options["mobileEmulation"] = phone;
        }
        let capabilities = json!({ "goog:chromeOptions": options });
        let connected = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().cloned().unwrap_or_default())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        match connected {
            Ok(client) => Some(Self { driver, client, _profile: profile }),
            Err(error) => panic!("Chromium does not start: {error}"),
        }
    }

    /// Keeps a picture of the page for people to look at.
    pub async fn screenshot(&self, name: &str) {
        let Some(folder) = std::env::var_os("KAKEHASHI_SCREENSHOTS") else { return };
        let folder = std::path::PathBuf::from(folder);
        if let Ok(png) = self.client.screenshot().await {
            let _ = std::fs::create_dir_all(&folder);
            let _ = std::fs::write(folder.join(format!("{name}.png")), png);
        }
    }

    /// Closes the window and ends the driver.
    pub async fn close(mut self) {
        let _ = self.client.clone().close().await;
        self.end_group();
    }

    fn end_group(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.driver.id())]).status();
        let _ = self.driver.wait();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.end_group();
    }
}
