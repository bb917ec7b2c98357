//! Tesseract as a child program: started for one picture without a shell, given the picture on its standard input,
//! and ended when it takes too long or says too much. Nothing is written to disk.

use crate::OcrProfile;
use kakehashi_core::ocr::{OcrEngine, OcrFault, PictureOf, draft};
use kakehashi_core::port::{BoxFuture, Finding, FindingLevel};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// A sign of UTF-8 takes four bytes at most; engines put blanks and lines between.
const BYTES_PER_CHAR: usize = 8;
/// Longest answer to a question about the program itself.
const ANSWER_BYTES: usize = 64 * 1024;

/// The driver.
#[derive(Debug, Clone)]
pub struct Tesseract {
    profile: OcrProfile,
}

impl Tesseract {
    /// With these settings.
    #[must_use]
    pub const fn new(profile: OcrProfile) -> Self {
        Self { profile }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.profile.program);
        // Secrets of the gateway's own environment are no business of another program.
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        // One core a picture: the gateway works beside it.
        command.env("OMP_THREAD_LIMIT", "1");
        command
    }

    fn data_folder(&self, command: &mut Command) {
        if let Some(folder) = &self.profile.data_folder {
            command.arg("--tessdata-dir").arg(folder);
        }
    }

    /// One run: input in, at most so many bytes out, within the time.
    async fn run(&self, mut command: Command, input: &[u8], most: usize) -> Result<Vec<u8>, OcrFault> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|_| OcrFault::Missing)?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(OcrFault::Failed);
        };
        let work = async {
            let mut output = Vec::new();
            let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
            let mut stdout = stdout.take(limit);
            let reading = stdout.read_to_end(&mut output);
            let writing = async {
                // A program that needs less than all of it closes its end.
                let _ = stdin.write_all(input).await;
                drop(stdin);
                std::future::pending::<()>().await;
            };
            tokio::select! {
                read = reading => read.map_err(|_| OcrFault::Failed)?,
                () = writing => 0,
            };
            if output.len() > most {
                return Err(OcrFault::TooLong);
            }
            let status = child.wait().await.map_err(|_| OcrFault::Failed)?;
            if status.success() { Ok(output) } else { Err(OcrFault::Failed) }
        };
        // Whatever is still running is killed when the child is dropped.
        let limit = Duration::from_secs(self.profile.seconds);
        tokio::time::timeout(limit, work).await.map_err(|_| OcrFault::TimedOut)?
    }

    async fn languages(&self) -> Result<Vec<String>, OcrFault> {
        let mut command = self.command();
        self.data_folder(&mut command);
        command.arg("--list-langs");
        let said = self.run(command, &[], ANSWER_BYTES).await?;
        let said = String::from_utf8_lossy(&said);
        Ok(said.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty() && !l.ends_with(':')).collect())
    }
}

impl OcrEngine for Tesseract {
    fn draft(&self, png: Vec<u8>, shows: PictureOf) -> BoxFuture<'_, Result<String, OcrFault>> {
        Box::pin(async move {
            let profile = &self.profile;
            if png.len() > profile.max_picture_bytes {
                return Err(OcrFault::PictureTooLarge);
            }
            let mut command = self.command();
            command.args(["stdin", "stdout"]);
            self.data_folder(&mut command);
            // A block of text, or a page whose parts the program finds itself.
            let layout = match shows {
                PictureOf::Writing => "6",
                PictureOf::Page => "3",
            };
            command.args(["-l", &profile.language, "--psm", layout]);
            let most = profile.max_chars.saturating_mul(BYTES_PER_CHAR);
            draft(&self.run(command, &png, most).await?, profile.max_chars)
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move {
            let program = self.profile.program.display();
            let finding = |level, detail: String, remedy: &str| {
                vec![Finding { level, subject: "ocr".to_owned(), detail, remedy: remedy.to_owned() }]
            };
            let languages = match self.languages().await {
                Ok(languages) => languages,
                Err(OcrFault::Missing) => {
                    return finding(
                        FindingLevel::Broken,
                        format!("{program} cannot be started"),
                        "`apt-get install tesseract-ocr tesseract-ocr-jpn`, mend ocr.program, or remove [ocr]",
                    );
                }
                Err(fault) => {
                    return finding(
                        FindingLevel::Broken,
                        format!("{program} does not list its languages: {fault}"),
                        "let ocr.program be Tesseract 4 or newer, and ocr.data_folder its folder of *.traineddata",
                    );
                }
            };
            let absent: Vec<&str> = self
                .profile
                .language
                .split('+')
                .filter(|wanted| languages.iter().all(|l| l != wanted))
                .collect();
            if absent.is_empty() {
                finding(FindingLevel::Good, format!("{program} with {}", self.profile.language), "")
            } else {
                finding(
                    FindingLevel::Broken,
                    format!("{program} has no language data for {}", absent.join(", ")),
                    "`apt-get install tesseract-ocr-jpn`, or put LANGUAGE.traineddata into ocr.data_folder",
                )
            }
        })
    }
}
