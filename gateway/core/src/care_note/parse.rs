//! JSON to care note. The document is walked by hand so that every fault names its path and says in
//! Japanese and English what to do; duplicate keys are faults too, because two readers could otherwise
//! see two different notes.

use super::{CareNote, CareNoteAttachment, CareNoteFault, CareNoteLimits, CareNotePatient, FaultKind};
use crate::clock::UtcMicros;
use crate::reply_code::ReplyCode;
use crate::rules::nearest::nearest;
use crate::vocabulary::{ReplyExpectation, Urgency};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use unicode_normalization::UnicodeNormalization as _;

/// Longest short text (title, names, codes), in characters.
const SHORT: usize = 200;
/// Deepest nesting; a care note needs 3.
const DEPTH: u8 = 8;
/// Values in one document; a care note of 20 attachments has under 100.
const VALUES: u32 = 2_000;

/// JSON with the order of keys and duplicates kept.
enum Json {
    Null,
    Bool,
    Number(Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Reads JSON within depth and count.
struct Bounded<'c> {
    depth: u8,
    values: &'c mut u32,
}

const TOO_DEEP: &str = "kakehashi: too deep";
const TOO_MANY: &str = "kakehashi: too many values";

impl<'de> serde::de::DeserializeSeed<'de> for Bounded<'_> {
    type Value = Json;

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Json, D::Error> {
        *self.values += 1;
        if self.depth > DEPTH {
            return Err(D::Error::custom(TOO_DEEP));
        }
        if *self.values > VALUES {
            return Err(D::Error::custom(TOO_MANY));
        }
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Bool)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) =
            seq.next_element_seed(Bounded { depth: self.depth + 1, values: &mut *self.values })?
        {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Bounded { depth: self.depth + 1, values: &mut *self.values })?;
            object.push((key, value));
        }
        Ok(Json::Object(object))
    }
}

pub(super) fn parse(bytes: &[u8], limits: &CareNoteLimits) -> Result<CareNote, CareNoteFault> {
    if bytes.len() > limits.document_bytes {
        let limit = limits.document_bytes;
        return Err(CareNoteFault::new(
            FaultKind::TooLarge,
            "",
            &format!("{limit}バイトを超えています"),
            &format!("more than {limit} bytes"),
        ));
    }
    let object = read_object(bytes)?;
    let fields = Fields::new(object, CareNote::KEYS, "")?;
    let note = note(fields, limits)?;
    consistent(&note)?;
    Ok(note)
}

fn read_object(bytes: &[u8]) -> Result<Vec<(String, Json)>, CareNoteFault> {
    // A byte order mark is what Windows software puts before UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(CareNoteFault::new(FaultKind::Empty, "", "何も届いていません", "nothing was sent"));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(CareNoteFault::new(
            FaultKind::NotJson,
            "",
            "UTF-8ではありません。UTF-8で送ってください",
            "not UTF-8; send the document as UTF-8",
        ));
    };
    let mut values = 0;
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = Bounded { depth: 0, values: &mut values };
    let read = serde::de::DeserializeSeed::deserialize(seed, &mut reader);
    let json = match read.and_then(|json| reader.end().map(|()| json)) {
        Ok(json) => json,
        Err(fault) => {
            let message = fault.to_string();
            if message.starts_with(TOO_DEEP) || message.starts_with(TOO_MANY) || message.contains("recursion")
            {
                return Err(CareNoteFault::new(
                    FaultKind::TooLarge,
                    "",
                    "入れ子が深すぎるか、値が多すぎます",
                    "nested too deeply or too many values",
                ));
            }
            let (line, column) = (fault.line(), fault.column());
            return Err(CareNoteFault::new(
                FaultKind::NotJson,
                "",
                &format!("JSONとして読めません ({line}行目{column}字目)"),
                &format!("not valid JSON (line {line}, column {column})"),
            ));
        }
    };
    match json {
        Json::Object(object) => Ok(object),
        _ => Err(CareNoteFault::new(
            FaultKind::NotACareNote,
            "",
            "{ … } の形で送ってください",
            "send one object { … }",
        )),
    }
}

/// The keys of an object, taken one by one.
struct Fields {
    fields: Vec<(String, Json)>,
    path: String,
}

impl Fields {
    fn new(fields: Vec<(String, Json)>, known: &[&str], path: &str) -> Result<Self, CareNoteFault> {
        for (number, (key, _)) in fields.iter().enumerate() {
            let here = format!("{path}{}", key.chars().take(80).collect::<String>());
            if !known.contains(&key.as_str()) {
                let (ja, en) = match nearest(key, known.iter().copied()) {
                    Some(meant) => {
                        (format!("`{meant}` の誤りではありませんか"), format!("did you mean `{meant}`?"))
                    }
                    None => {
                        (format!("使えるのは {}", known.join(" ")), format!("known are {}", known.join(" ")))
                    }
                };
                return Err(CareNoteFault::new(
                    FaultKind::NotACareNote,
                    here,
                    &format!("この項目はありません。{ja}"),
                    &format!("unknown key; {en}"),
                ));
            }
            if fields[..number].iter().any(|(earlier, _)| earlier == key) {
                return Err(CareNoteFault::new(
                    FaultKind::NotACareNote,
                    here,
                    "同じ項目が2回あります。一つにしてください",
                    "the key is there twice; send it once",
                ));
            }
        }
        Ok(Self { fields, path: path.to_owned() })
    }

    /// The value of a key; `null` counts as absent.
    fn take(&mut self, key: &str) -> Option<(String, Json)> {
        let at = self.fields.iter().position(|(k, _)| k == key)?;
        let (_, value) = self.fields.swap_remove(at);
        (!matches!(value, Json::Null)).then(|| (format!("{}{key}", self.path), value))
    }

    fn text(&mut self, key: &str, most: usize) -> Result<Option<String>, CareNoteFault> {
        let Some((path, value)) = self.take(key) else { return Ok(None) };
        let Json::Text(text) = value else { return Err(not_text(path)) };
        let text = clean(&text);
        if text.chars().count() > most {
            return Err(CareNoteFault::new(
                FaultKind::TooLarge,
                path,
                &format!("{most}字を超えています"),
                &format!("more than {most} characters"),
            ));
        }
        Ok((!text.is_empty()).then_some(text))
    }

    /// One line: line ends become blanks.
    fn line(&mut self, key: &str) -> Result<Option<String>, CareNoteFault> {
        Ok(self.text(key, SHORT)?.map(|text| text.replace('\n', " ")))
    }

    fn code<T>(
        &mut self,
        key: &str,
        known: &[&str],
        from: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, CareNoteFault> {
        let path = format!("{}{key}", self.path);
        let Some(text) = self.line(key)? else { return Ok(None) };
        match from(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(CareNoteFault::new(
                FaultKind::NotACareNote,
                path,
                &format!("使えるのは {}", known.join(" ")),
                &format!("known values are {}", known.join(" ")),
            )),
        }
    }

    fn reply_code(&mut self, key: &str) -> Result<Option<String>, CareNoteFault> {
        let path = format!("{}{key}", self.path);
        let Some(text) = self.line(key)? else { return Ok(None) };
        match ReplyCode::parse(&text) {
            Some(code) => Ok(Some(code.as_str().to_owned())),
            None => Err(CareNoteFault::new(
                FaultKind::NotACareNote,
                path,
                "返信コードの形ではありません。10字を確かめてください",
                "not a reply code; look at its 10 signs again",
            )),
        }
    }
}

fn not_text(path: String) -> CareNoteFault {
    CareNoteFault::new(FaultKind::NotACareNote, path, "\"…\" の文字で送ってください", "send text in quotes")
}

/// NFC, LF, without control characters and signs that are not seen or turn the writing round.
fn clean(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let unseen = |c: char| matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept = lines.nfc().filter(|c| (!c.is_control() || matches!(c, '\n' | '\t')) && !unseen(*c));
    kept.collect::<String>().trim().to_owned()
}

fn note(mut fields: Fields, limits: &CareNoteLimits) -> Result<CareNote, CareNoteFault> {
    let urgencies: Vec<&str> = Urgency::ALL.iter().map(|u| u.code()).collect();
    let expectations: Vec<&str> = ReplyExpectation::ALL.iter().map(|e| e.code()).collect();
    Ok(CareNote {
        note_id: fields.line("note_id")?,
        group: fields.line("group")?,
        patient: match fields.take("patient") {
            Some((path, value)) => Some(patient(path, value)?),
            None => None,
        },
        title: fields.line("title")?,
        body: fields.text("body", limits.body_chars)?,
        urgency: fields.code("urgency", &urgencies, Urgency::from_code)?,
        reply_expectation: fields.code("reply_expectation", &expectations, ReplyExpectation::from_code)?,
        document_kind: fields.line("document_kind")?,
        occurred_at: time(&mut fields)?,
        staff_name: fields.line("staff_name")?,
        application: fields.line("application")?,
        in_reply_to: fields.reply_code("in_reply_to")?,
        acknowledge: fields.reply_code("acknowledge")?,
        attachments: match fields.take("attachments") {
            Some((path, value)) => attachments(&path, value, limits)?,
            None => Vec::new(),
        },
    })
}

fn time(fields: &mut Fields) -> Result<Option<UtcMicros>, CareNoteFault> {
    let Some(text) = fields.line("occurred_at")? else { return Ok(None) };
    match UtcMicros::from_rfc3339(&text) {
        Some(at) => Ok(Some(at)),
        None => Err(CareNoteFault::new(
            FaultKind::NotACareNote,
            "occurred_at",
            "2026-06-09T10:20:00+09:00 の形で送ってください",
            "send RFC 3339 with offset: 2026-06-09T10:20:00+09:00",
        )),
    }
}

fn patient(path: String, value: Json) -> Result<CareNotePatient, CareNoteFault> {
    let Json::Object(object) = value else {
        return Err(CareNoteFault::new(
            FaultKind::NotACareNote,
            path,
            "{ \"identifier\", \"name\", \"kana\", \"birth_date\" } の形で送ってください",
            "send an object with identifier, name, kana, birth_date",
        ));
    };
    let path = format!("{path}.");
    let mut fields = Fields::new(object, &["identifier", "name", "kana", "birth_date"], &path)?;
    // Software often sends its own number as a JSON number; leading zeros are lost there, not here.
    if let Some((_, Json::Number(number))) = fields.fields.iter().find(|(k, _)| k == "identifier") {
        let text = number.to_string();
        fields.fields.retain(|(k, _)| k != "identifier");
        fields.fields.push(("identifier".to_owned(), Json::Text(text)));
    }
    let birth_date = match fields.line("birth_date")? {
        Some(text) => match crate::text::date::read_date(&text) {
            Some(date) => Some(date.to_string()),
            None => {
                return Err(CareNoteFault::new(
                    FaultKind::NotACareNote,
                    format!("{path}birth_date"),
                    "1938-04-12 の形で送ってください",
                    "send a date like 1938-04-12",
                ));
            }
        },
        None => None,
    };
    Ok(CareNotePatient {
        identifier: fields.line("identifier")?,
        name: fields.line("name")?,
        kana: fields.line("kana")?,
        birth_date,
    })
}

fn attachments(
    path: &str,
    value: Json,
    limits: &CareNoteLimits,
) -> Result<Vec<CareNoteAttachment>, CareNoteFault> {
    let Json::List(list) = value else {
        return Err(CareNoteFault::new(
            FaultKind::NotACareNote,
            path,
            "[ … ] の並びで送ってください",
            "send a list [ … ]",
        ));
    };
    if list.len() > limits.attachments {
        let most = limits.attachments;
        return Err(CareNoteFault::new(
            FaultKind::TooLarge,
            path,
            &format!("添付は{most}個までです"),
            &format!("at most {most} attachments"),
        ));
    }
    let mut found = Vec::with_capacity(list.len());
    for (number, item) in list.into_iter().enumerate() {
        let here = format!("{path}[{number}]");
        let Json::Object(object) = item else {
            return Err(CareNoteFault::new(
                FaultKind::NotACareNote,
                here,
                "{ \"name\", \"media_type\", \"data\" } の形で送ってください",
                "send an object with name, media_type, data",
            ));
        };
        let mut fields = Fields::new(object, &["name", "media_type", "data"], &format!("{here}."))?;
        let data = match fields.take("data") {
            Some((_, Json::Text(data))) => data,
            Some((path, _)) => return Err(not_text(path)),
            None => {
                return Err(CareNoteFault::new(
                    FaultKind::NotACareNote,
                    format!("{here}.data"),
                    "dataがありません。base64で送ってください",
                    "data is missing; send the file as base64",
                ));
            }
        };
        if data.len() > limits.attachment_base64_bytes {
            let most = limits.attachment_base64_bytes;
            return Err(CareNoteFault::new(
                FaultKind::TooLarge,
                format!("{here}.data"),
                &format!("base64で{most}バイトを超えています"),
                &format!("more than {most} bytes of base64"),
            ));
        }
        found.push(CareNoteAttachment {
            name: fields.line("name")?,
            media_type: fields.line("media_type")?.map(|m| m.to_ascii_lowercase()),
            data,
        });
    }
    Ok(found)
}

/// What no note may leave out or say twice.
fn consistent(note: &CareNote) -> Result<(), CareNoteFault> {
    let fault =
        |path: &str, ja: &str, en: &str| Err(CareNoteFault::new(FaultKind::NotACareNote, path, ja, en));
    if note.acknowledge.is_some() && note.in_reply_to.is_some() {
        return fault(
            "acknowledge",
            "acknowledgeとin_reply_toはどちらか一つにしてください",
            "send acknowledge or in_reply_to, not both",
        );
    }
    let says_something = note.title.is_some() || note.body.is_some() || !note.attachments.is_empty();
    if note.acknowledge.is_some() {
        if says_something {
            return fault(
                "acknowledge",
                "了解だけのときに使います。文や添付があるときはin_reply_toで返信してください",
                "acknowledge stands alone; with text or files send in_reply_to",
            );
        }
        return Ok(());
    }
    if !says_something {
        return fault("body", "本文も件名も添付もありません", "there is no body, no title and no attachment");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Result<CareNote, CareNoteFault> {
        CareNote::parse(json.as_bytes(), &CareNoteLimits::default())
    }

    #[test]
    fn a_whole_note() {
        let code = ReplyCode::from_random(7);
        let json = format!(
            r#"{{"note_id":"n-1","group":"つばき01","title":"朝の様子","body":"体温36.5\r\n変わりなし",
            "urgency":"urgent","reply_expectation":"ack","document_kind":"status_change",
            "occurred_at":"2026-06-09T10:20:00+09:00","staff_name":"岡本 亮","in_reply_to":"{}",
            "patient":{{"identifier":412,"name":"山本 千代","kana":null,"birth_date":"昭和13年4月12日"}},
            "attachments":[{{"name":"a.jpg","media_type":"IMAGE/JPEG","data":"aGVq"}}]}}"#,
            code.spaced().to_lowercase()
        );
        let note = read(&json).unwrap();
        assert_eq!(note.body.as_deref(), Some("体温36.5\n変わりなし"));
        assert_eq!(note.in_reply_to.as_deref(), Some(code.as_str()));
        let patient = note.patient.clone().unwrap();
        assert_eq!(patient.identifier.as_deref(), Some("412"));
        assert_eq!(patient.birth_date.as_deref(), Some("1938-04-12"));
        assert_eq!(note.attachments[0].media_type.as_deref(), Some("image/jpeg"));
        // What is written is read again as the same note.
        assert_eq!(CareNote::parse(&note.to_json(), &CareNoteLimits::default()), Ok(note));
    }

    #[test]
    fn faults_name_their_path() {
        let many = format!(r#"{{"body":"x","attachments":[{}]}}"#, vec![r#"{"data":""}"#; 21].join(","));
        let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
        let cases = [
            ("", "", FaultKind::Empty, "nothing"),
            ("{", "", FaultKind::NotJson, "line 1"),
            ("[]", "", FaultKind::NotACareNote, "object"),
            (r#"{"body":"x"} trailing"#, "", FaultKind::NotJson, "JSON"),
            (r#"{"boby":"x"}"#, "boby", FaultKind::NotACareNote, "`body`"),
            (r#"{"body":"x","body":"y"}"#, "body", FaultKind::NotACareNote, "twice"),
            (r#"{"body":7}"#, "body", FaultKind::NotACareNote, "text"),
            (r#"{"title":"  ","body":"\n"}"#, "body", FaultKind::NotACareNote, "no body"),
            (r#"{"body":"x","urgency":"very"}"#, "urgency", FaultKind::NotACareNote, "emergency"),
            (r#"{"body":"x","occurred_at":"2026/6/9"}"#, "occurred_at", FaultKind::NotACareNote, "RFC 3339"),
            (r#"{"body":"x","in_reply_to":"ABC"}"#, "in_reply_to", FaultKind::NotACareNote, "10 signs"),
            (r#"{"body":"x","patient":"山本"}"#, "patient", FaultKind::NotACareNote, "object"),
            (r#"{"body":"x","patient":{"nam":"山本"}}"#, "patient.nam", FaultKind::NotACareNote, "`name`"),
            (
                r#"{"body":"x","patient":{"birth_date":"1938-13-40"}}"#,
                "patient.birth_date",
                FaultKind::NotACareNote,
                "date",
            ),
            (
                r#"{"body":"x","attachments":[{"name":"a"}]}"#,
                "attachments[0].data",
                FaultKind::NotACareNote,
                "base64",
            ),
            (&many, "attachments", FaultKind::TooLarge, "20"),
            (&deep, "", FaultKind::TooLarge, "deep"),
        ];
        for (json, path, kind, words) in cases {
            let fault = read(json).unwrap_err();
            assert_eq!((fault.path.as_str(), fault.kind), (path, kind), "{json} {fault:?}");
            assert!(fault.reason.contains(words) && fault.reason.contains(" / "), "{json} {fault:?}");
        }
        let long = format!(r#"{{"body":"{}"}}"#, "あ".repeat(20_001));
        assert_eq!(read(&long).unwrap_err().kind, FaultKind::TooLarge);
        assert_eq!(
            CareNote::parse(b"{\"body\":\"\xff\"}", &CareNoteLimits::default()).unwrap_err().kind,
            FaultKind::NotJson
        );
    }

    #[test]
    fn an_acknowledgement_stands_alone() {
        let code = ReplyCode::from_random(99);
        let code = code.as_str();
        assert!(read(&format!(r#"{{"acknowledge":"{code}","staff_name":"岡本"}}"#)).is_ok());
        assert!(read(&format!(r#"{{"acknowledge":"{code}","body":"了解"}}"#)).is_err());
        assert!(read(&format!(r#"{{"acknowledge":"{code}","in_reply_to":"{code}"}}"#)).is_err());
    }

    proptest! {
        #[test]
        fn reading_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = CareNote::parse(&bytes, &CareNoteLimits::default());
        }

        #[test]
        fn any_json_like_text(text in "[\\[\\]{}:,\"a-z0-9 \\\\u]{0,200}") {
            let _ = read(&text);
        }

        #[test]
        fn what_is_written_is_read_again(title in "[^\\p{C}]{1,40}", body in "[^\\p{C}]{1,80}", name in "[^\\p{C}]{1,40}") {
            let note = CareNote {
                title: Some(title),
                body: Some(body),
                patient: Some(CareNotePatient { name: Some(name), ..CareNotePatient::default() }),
                ..CareNote::default()
            };
            if let Ok(once) = CareNote::parse(&note.to_json(), &CareNoteLimits::default()) {
                prop_assert_eq!(CareNote::parse(&once.to_json(), &CareNoteLimits::default()), Ok(once));
            }
        }
    }
}
