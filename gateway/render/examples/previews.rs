//! Writes every sample as the files that would leave: `cargo run -p kakehashi-render --example previews
//! -- FOLDER`. Prints pages and milliseconds for each, the figures of docs/decisions/0002.

use kakehashi_core::rendered::RenderedContent;
use kakehashi_core::vocabulary::Channel;
use kakehashi_render::{Renderer, samples};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::path::PathBuf::from(std::env::args().nth(1).ok_or("name a folder")?);
    std::fs::create_dir_all(&folder)?;
    let begin = Instant::now();
    let renderer = Renderer::new()?;
    println!("renderer ready: {} ms", begin.elapsed().as_millis());
    for channel in [Channel::Fax, Channel::Email, Channel::PhoneMemo] {
        let sheets = if channel == Channel::Fax {
            samples::sheets().into_iter().chain(samples::hard::all()).collect()
        } else {
            Vec::new()
        };
        for (name, job) in samples::all(channel).into_iter().chain(sheets) {
            for round in ["first", "again"] {
                let begin = Instant::now();
                let content = match renderer.render(&job) {
                    Ok(content) => content,
                    Err(fault) => {
                        println!("{channel} {name} {round}: {fault}");
                        continue;
                    }
                };
                let ms = begin.elapsed().as_millis();
                match content {
                    RenderedContent::Fax(fax) => {
                        println!(
                            "{channel} {name} {round}: {} pages, {ms} ms, {} KB",
                            fax.pages,
                            fax.pdf.len() / 1024
                        );
                        std::fs::write(folder.join(format!("{name}.pdf")), fax.pdf)?;
                    }
                    RenderedContent::Email(mail) => {
                        println!("{channel} {name} {round}: {ms} ms, {}", mail.subject);
                        let head = format!(
                            "Subject: {}\nReply-To: {:?}\nMessage-ID: {}\n\n",
                            mail.subject, mail.reply_to, mail.message_id
                        );
                        std::fs::write(folder.join(format!("{name}.txt")), head + &mail.text)?;
                        std::fs::write(folder.join(format!("{name}.html")), mail.html.unwrap_or_default())?;
                        for file in mail.attachments {
                            std::fs::write(folder.join(format!("{name}_{}", file.name)), file.bytes)?;
                        }
                    }
                    RenderedContent::Hl7(hl7) => {
                        println!("{channel} {name} {round}: {ms} ms");
                        for note in hl7.notes {
                            let file = format!("{name}.{}.hl7.txt", note.control_id);
                            std::fs::write(folder.join(file), note.text)?;
                        }
                    }
                    RenderedContent::Phone { number, script } => {
                        println!("{channel} {name} {round}: {ms} ms");
                        std::fs::write(
                            folder.join(format!("{name}.call.txt")),
                            format!("{number}\n{script}\n"),
                        )?;
                    }
                }
            }
        }
    }
    Ok(())
}
