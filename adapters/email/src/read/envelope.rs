//! A decoded mail to an Envelope: own text, quote, signature, code, intent, report. Says what the
//! writer wrote and what kind of mail it is; whom it concerns and what follows is decided elsewhere.
//! A machine's mail never becomes 了解 (care-network.md 4.3).

use super::enclosed::{self, Enclosed};
use super::media;
use super::{
    automatic, calendar, code, lookalike, meeting, parse_raw, password, patient_hint, photo, quote, reaction,
    recall, report, signature,
};
use kakehashi_core::decide::doubt;
use kakehashi_core::envelope::{Envelope, Sender};
use kakehashi_core::job::delivery_of_bounce_address;
use kakehashi_core::mail::{Mail, MailPart};
use kakehashi_core::port::{Origin, Part, PartSink, RawIntake, ReadFault, Reader};
use kakehashi_core::reply_words::{
    ShortAnswer, bracket_expectation, bracket_urgency, short_answer, without_names,
};
use kakehashi_core::requests::request;
use kakehashi_core::text::fold::folded;
use kakehashi_core::vocabulary::{AttachmentRole, Authenticity, Channel, Format, Intent};

/// Longest text that may be a short answer with names around it; several times what is one without.
const MAX_SHORT_BYTES: usize = 4_000;

/// Reads mails that are not FAX.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmailReader;

impl Reader for EmailReader {
    fn read(&self, raw: &RawIntake, parts: &mut dyn PartSink) -> Result<Vec<Envelope>, ReadFault> {
        let mail = parse_raw(&raw.bytes)?;
        Ok(vec![envelope(&mail, &raw.origin, parts)?])
    }
}

/// What a mail says.
///
/// # Errors
/// [`ReadFault::Part`] if the sink could not keep a part; read again later.
pub fn envelope(mail: &Mail, origin: &Origin, parts: &mut dyn PartSink) -> Result<Envelope, ReadFault> {
    let mut out = Envelope::empty(Channel::Email, Format::Rfc5322, mail.content_hash.clone());
    out.message_id = mail.message_id.clone();
    out.sender = sender(mail, origin);
    out.in_reply_to = mail.in_reply_to.clone();
    out.sent_at = mail.date;
    out.title = mail.subject.clone();
    out.warnings = mail.warnings.clone();
    if let Some(doubt) = mail.from.as_ref().and_then(lookalike::doubt) {
        out.warn(lookalike::WARNING, doubt);
    }

    let subject = folded(mail.subject.as_deref().unwrap_or(""));
    let forwarded =
        ["fw:", "fwd:", "転送:", "[fwd:", "wg:", "tr:"].iter().any(|p| subject.trim_start().starts_with(p));
    let answered = ["re:", "re[", "返信:", "aw:", "sv:"].iter().any(|p| subject.trim_start().starts_with(p));
    out.report = report::read(mail, origin.mail_from.as_deref());
    // The address to which a far system returns a mail of ours names the mail by itself.
    if let Some(report) = &mut out.report
        && let Some(own) = origin.rcpt_to.iter().find(|r| delivery_of_bounce_address(r).is_some())
    {
        report.original = Some(own.clone());
    }
    let is_report = out.report.is_some() || report::declared(mail);
    // A report is kept whole: what looks like a quote in it is the dialogue that failed.
    let split = if is_report {
        quote::Split { own: mail.text.clone(), quoted: None }
    } else {
        quote::split(&mail.text, forwarded)
    };
    // Marked lines at the start of a mail that answers nothing are what its writer wants to show.
    let to_reply_address = origin.rcpt_to.iter().any(|r| r.to_ascii_lowercase().starts_with("reply+"));
    let answers_nothing = !answered && !to_reply_address && mail.in_reply_to.is_empty();
    let pasted = answers_nothing
        && split.quoted.as_deref().is_some_and(|q| {
            let marked = q.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with(['>', '＞']))
                && mail.text.trim_start().starts_with(['>', '＞']);
            // A heading and a mail below it that is none of ours was put there to be read.
            let mut lines = q.lines().filter(|l| !l.trim().is_empty());
            let other = !q.contains("reply+") && lines.next().is_some_and(quote::heads_a_mail);
            marked || other
        });
    let split = if pasted { quote::Split { own: mail.text.clone(), quoted: None } } else { split };
    let (body, signed) = if is_report { (split.own.clone(), None) } else { signature::split(&split.own) };
    let found = code::find(mail, origin, split.quoted.as_deref());
    if found.malformed && found.code.is_none() && !is_report {
        out.warn("reply_code_malformed", "a reply address was used whose code is not well-formed");
    }
    out.reply_code = found.code.map(|c| c.as_str().to_owned());

    let reacted = if is_report { None } else { reaction::emoji(mail, &body) };
    // What a program writes around an emoji is nobody's word.
    let body = reacted.clone().unwrap_or(body);
    // Telephones write a short answer into the subject and leave the text empty.
    let words = match &mail.subject {
        Some(subject) if body.is_empty() && split.quoted.is_none() && !answered && !forwarded => {
            subject.as_str()
        }
        _ => body.as_str(),
    };
    // A name below 「了解しました」 says nothing more if it is the sender's own.
    let own_name = mail.from.as_ref().and_then(|f| f.name.as_deref()).unwrap_or("");
    // What is too long to be a short answer or a request is not looked through for names.
    let short_enough = words.len() <= MAX_SHORT_BYTES;
    let unsigned = if short_enough { without_names(words, &[own_name]) } else { words.to_owned() };
    let files = mail.parts.iter().any(|p| !p.inline && p.media_type != reaction::PART);
    let short_of = |text: &str| if files || !short_enough { None } else { short_answer(text) };
    let short = short_of(words).or_else(|| if unsigned == words { None } else { short_of(&unsigned) });
    let machine = automatic::reason(mail, &body, origin.mail_from.as_deref());
    let on_thread = out.reply_code.is_some() || !out.in_reply_to.is_empty() || found.malformed;
    let meeting = if is_report || machine.is_some() { None } else { meeting::answer(mail, &body) };
    if !is_report && recall::is_recall(mail, &body) {
        out.warn(doubt::RECALL_WANTED, "the sender's program asks to take back a mail; nothing was unmade");
    }
    out.intent = if is_report {
        Intent::DeliveryReport
    } else if let Some(reason) = machine {
        out.warn("automatic", reason);
        Intent::Automatic
    } else if let Some(answer) = &meeting {
        // Who comes is read by people; coming to a meeting is no 了解 of what was posted.
        if on_thread {
            Intent::Reply
        } else if answer.own_words {
            Intent::Topic
        } else {
            out.warn("automatic", "an answer of a calendar that belongs to nothing of ours");
            Intent::Automatic
        }
    } else if let Some(emoji) = &reacted {
        // A heart or a tear is an answer that a person reads.
        if reaction::acknowledges(emoji) { Intent::Acknowledgement } else { Intent::Reply }
    } else if short == Some(ShortAnswer::Acknowledgement) {
        Intent::Acknowledgement
    } else if let Some(asked) = request(&unsigned).filter(|_| !files) {
        asked
    } else if short == Some(ShortAnswer::Callback) {
        Intent::Callback
    } else if on_thread {
        Intent::Reply
    } else {
        Intent::Topic
    };
    let by_person = !matches!(out.intent, Intent::Automatic | Intent::DeliveryReport);
    // The subject of an answer repeats our own marks.
    let subject = mail.subject.as_deref().filter(|_| !answered && !forwarded);
    if by_person {
        out.urgency = bracket_urgency(&body).or_else(|| subject.and_then(bracket_urgency));
        out.reply_expectation = bracket_expectation(&body).or_else(|| subject.and_then(bracket_expectation));
    }
    // What came along as a whole mail or an invitation is shown in words below the writer's own.
    let (inner, opened) = if by_person { enclosed::open(mail) } else { Default::default() };
    let Enclosed { text: inner_text, parts: inner_parts, .. } = inner;
    let mut words = vec![body];
    if !is_report {
        words.extend(invitations(mail));
        words.extend(meeting.and_then(|answer| answer.words));
    }
    words.push(inner_text);
    words.retain(|w| !w.is_empty());
    let body = words.join("\n\n");
    if by_person {
        out.patient = patient_hint::read(mail.subject.as_deref(), &body);
        if password::is_told(mail.subject.as_deref(), &body) {
            out.warn(
                "attachment_password",
                "the mail tells the password of a file that came in another mail",
            );
        }
    }
    if let Some(proof) = origin.proof.as_ref().filter(|p| p.failed) {
        out.warn(
            doubt::AUTHENTICATION_FAILED,
            format!("the sender's domain denies this mail: {}", proof.detail),
        );
    } else if let Some(verdict) = failed_authentication(mail) {
        out.warn("authentication_failed", verdict);
    }
    if mail.text.is_empty() && is_sealed(mail) {
        out.warn("message_encrypted", "the mail itself is encrypted; its text cannot be read here");
    }
    out.body = Some(body).filter(|b| !b.is_empty());
    out.quoted = split.quoted;
    out.signature = signed;
    let opened = |at: usize| opened.get(at).copied().unwrap_or(false);
    let own = mail.parts.iter().enumerate().filter(|(at, _)| !opened(*at)).map(|(_, part)| part);
    let own = own.filter(|part| part.media_type != reaction::PART);
    let mut pixels = photo::heic::PIXELS_OF_A_MAIL;
    for part in own.chain(&inner_parts) {
        attach(part, &mut pixels, &mut out, parts)?;
    }
    Ok(out)
}

/// One file: judged, cleaned of what it must not tell, kept.
fn attach(
    part: &MailPart,
    pixels: &mut usize,
    out: &mut Envelope,
    parts: &mut dyn PartSink,
) -> Result<(), ReadFault> {
    let mut media_type = media::media_type(&part.bytes, &part.media_type, part.name.as_deref());
    let mut finding = media::look(&part.bytes, part.name.as_deref());
    let mut name = part.name.clone();
    let developed = (finding == Some(media::Finding::UnsupportedPhoto))
        .then(|| photo::heic::jpeg(&part.bytes, pixels))
        .flatten();
    if developed.is_some() {
        finding = None;
        media_type = "image/jpeg".to_owned();
        let stem = name.as_deref().map_or("photo", |n| n.rsplit_once('.').map_or(n, |(stem, _)| stem));
        name = Some(format!("{stem}.jpg"));
    }
    if let Some(finding) = finding {
        let (code, detail) = finding.warning();
        out.warn(code, detail);
    }
    let cleaned = developed
        .or_else(|| if media_type.starts_with("image/") { photo::cleaned(&part.bytes) } else { None });
    if cleaned.is_some() {
        out.warn("photo_cleaned", "position and other data of the camera were taken out of a photograph");
    }
    let role = match finding {
        Some(finding) if finding.withheld() => AttachmentRole::Quarantined,
        _ if part.inline => AttachmentRole::Inline,
        _ => AttachmentRole::Document,
    };
    let bytes = cleaned.as_deref().unwrap_or(&part.bytes);
    let kept =
        parts.keep(Part { name: name.as_deref(), media_type: &media_type, pages: None, role, bytes })?;
    out.attachments.push(kept);
    Ok(())
}

/// Invitations and answers to them among the parts, in words; the same one often comes twice, as part and as file.
fn invitations(mail: &Mail) -> Vec<String> {
    let from = mail.from.as_ref().map(|f| f.address.as_str());
    let mut found: Vec<String> = Vec::new();
    for part in mail.parts.iter().filter(|p| meeting::is_calendar(p)).take(5) {
        if let Some(text) = calendar::to_text(&part.bytes, from).filter(|t| !found.contains(t)) {
            found.push(text);
        }
    }
    found
}

/// Whether the mail as a whole is encrypted.
fn is_sealed(mail: &Mail) -> bool {
    mail.header("Content-Type").is_some_and(|v| {
        let v = v.to_lowercase();
        v.contains("multipart/encrypted") || (v.contains("pkcs7-mime") && !v.contains("signed-data"))
    })
}

fn sender(mail: &Mail, origin: &Origin) -> Sender {
    Sender {
        address: mail.from.as_ref().map(|f| f.address.clone()),
        name: mail.from.as_ref().and_then(|f| f.name.clone()),
        authenticity: origin
            .authenticity
            .or_else(|| origin.proof.as_ref().map(|p| p.authenticity))
            .unwrap_or(Authenticity::None),
        ..Sender::default()
    }
}

/// A failed DMARC check that a server before us wrote down. A pass is not believed without knowing
/// that server; a failure only lowers trust.
fn failed_authentication(mail: &Mail) -> Option<&'static str> {
    let results = mail.header("Authentication-Results")?.to_lowercase();
    let compact: String = results.chars().filter(|c| !c.is_whitespace()).collect();
    compact
        .contains("dmarc=fail")
        .then_some("the receiving server noted dmarc=fail: the sender may be forged")
}
