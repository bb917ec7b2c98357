//! Programs that read a picture for a draft (下書き(OCR)): the settings of `[ocr]` and one driver, Tesseract. A
//! picture goes to an installed program on this machine and nowhere else; nothing of it is kept or logged, and
//! what comes back is a draft for a person.

mod tesseract;

pub use tesseract::Tesseract;

use kakehashi_core::ocr::OcrEngine;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;

/// Longest wait for one picture that can be set.
const MOST_SECONDS: u64 = 120;

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineName {
    /// Tesseract OCR.
    Tesseract,
}

/// `[ocr]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OcrProfile {
    /// Which program.
    pub engine: EngineName,
    /// Where it is; a bare name is looked for in PATH.
    #[serde(default = "default_program")]
    pub program: PathBuf,
    /// Its language data; several joined by `+`.
    #[serde(default = "default_language")]
    pub language: String,
    /// Folder of the language data; absent: where the program looks by itself.
    #[serde(default)]
    pub data_folder: Option<PathBuf>,
    /// Longest time for one picture.
    #[serde(default = "default_seconds")]
    pub seconds: u64,
    /// Larger pictures are not read.
    #[serde(default = "default_picture_bytes")]
    pub max_picture_bytes: usize,
    /// A longer text is no draft.
    #[serde(default = "default_chars")]
    pub max_chars: usize,
}

fn default_program() -> PathBuf {
    PathBuf::from("tesseract")
}

fn default_language() -> String {
    "jpn".to_owned()
}

const fn default_seconds() -> u64 {
    20
}

const fn default_picture_bytes() -> usize {
    4 * 1024 * 1024
}

const fn default_chars() -> usize {
    4_000
}

/// A setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFault {
    /// The key.
    pub key: &'static str,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: &'static str,
}

impl OcrProfile {
    /// What cannot work, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<ProfileFault> {
        let fault = |key, reason: String, remedy| Some(ProfileFault { key, reason, remedy });
        let named = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/'))
        };
        if !self.language.split('+').all(named) {
            let reason = format!("{:?} is no language of an OCR program", self.language);
            return fault("language", reason, "write \"jpn\", \"jpn_vert\" or \"jpn+eng\"");
        }
        if self.seconds == 0 || self.seconds > MOST_SECONDS {
            let reason = format!("{} seconds for one picture", self.seconds);
            return fault("seconds", reason, "write 1 to 120: somebody waits for it at the desk");
        }
        if self.max_chars == 0 || self.max_chars > 20_000 {
            let reason = format!("a draft of {} characters", self.max_chars);
            return fault("max_chars", reason, "write 1 to 20000, as much as a 転記 holds");
        }
        None
    }

    /// The program, ready to be asked.
    #[must_use]
    pub fn engine(&self) -> Arc<dyn OcrEngine> {
        match self.engine {
            EngineName::Tesseract => Arc::new(Tesseract::new(self.clone())),
        }
    }
}
