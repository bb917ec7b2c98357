//! Mail programs times cases: what of a reply is kept as the writer's own text and what is taken off. The
//! result is the table in `docs/email.md`; the test fails where the table is not what the reader does.
//! The mails are written here after the shape that each program gives a reply; no program is run.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_core::vocabulary::Intent;
use kakehashi_email::read::{envelope, parse_mail};
use std::fmt::Write as _;

const ASKED: [&str; 3] =
    ["佐野さんが投稿しました：", "11月26日（木）の訪問を10時へ変更します。", "ご都合をお知らせください。"];
const HEAD: &str = "差出人: 連携 <reply+a@in.renkei.example.jp>\n送信日時: 2026年11月24日 10:00\n宛先: 大塚 <otsuka@sakura.example.jp>\n件名: つばき01 訪問時間";
const HEAD_EN: &str = "From: 連携 <reply+a@in.renkei.example.jp>\nSent: Tuesday, November 24, 2026 10:00 AM\nTo: 大塚 <otsuka@sakura.example.jp>\nSubject: つばき01 訪問時間";

/// How a program shows the mail that is answered.
#[derive(Clone, Copy)]
enum Quoting {
    /// Attribution, then marked lines.
    Marked(&'static str, &'static str),
    /// Attribution inside the marks.
    Inside(&'static str),
    /// A heading, then unmarked lines.
    Heading(&'static str),
    /// HTML: before the quote, around the quote.
    Html(&'static str, &'static str, &'static str),
    /// Nothing.
    None,
}

struct Client {
    name: &'static str,
    quoting: Quoting,
    /// What the program itself adds below the text.
    device: Option<&'static str>,
}

const fn client(name: &'static str, quoting: Quoting) -> Client {
    Client { name, quoting, device: None }
}

use Quoting::{Heading, Html, Inside, Marked};

const CLIENTS: &[Client] = &[
    client("Outlook (日本語)", Heading("________________________________\n{HEAD}\n")),
    client("Outlook (英語)", Heading("{HEAD_EN}\n")),
    client("Outlook テキスト形式", Heading("-----Original Message-----\n{HEAD_EN}\n")),
    client(
        "Outlook HTML のみ",
        Html(
            "<div style=\"border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0mm 0mm 0mm\"><p class=\"MsoNormal\"><b>From:</b> 連携 &lt;reply+a@in.renkei.example.jp&gt;<br><b>Sent:</b> Tuesday, November 24, 2026 10:00 AM<br><b>To:</b> 大塚<br><b>Subject:</b> つばき01</p></div>",
            "<div>",
            "</div>",
        ),
    ),
    client(
        "Outlook on the web HTML のみ",
        Html(
            "<div id=\"appendonsend\"></div><hr style=\"display:inline-block;width:98%\"><div id=\"divRplyFwdMsg\" dir=\"ltr\"><b>差出人:</b> 連携 &lt;reply+a@in.renkei.example.jp&gt;<br><b>送信日時:</b> 2026年11月24日 10:00<br><b>宛先:</b> 大塚<br><b>件名:</b> つばき01<div>&nbsp;</div></div>",
            "<div>",
            "</div>",
        ),
    ),
    client("Gmail (日本語)", Marked("2026年11月24日(火) 10:00 連携 <reply+a@in.renkei.example.jp>:\n", "> ")),
    client(
        "Gmail (英語)",
        Marked("On Tue, Nov 24, 2026 at 10:00 AM 連携 <\nreply+a@in.renkei.example.jp> wrote:\n", "> "),
    ),
    client(
        "Gmail HTML のみ",
        Html(
            "<br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">2026年11月24日(火) 10:00 連携 &lt;<a href=\"mailto:reply+a@in.renkei.example.jp\">reply+a@in.renkei.example.jp</a>&gt;:<br></div>",
            "<blockquote class=\"gmail_quote\" style=\"margin:0 0 0 .8ex;border-left:1px #ccc solid;padding-left:1ex\">",
            "</blockquote></div>",
        ),
    ),
    Client {
        name: "iPhone (日本語)",
        quoting: Inside("2026/11/24 10:00、連携 <reply+a@in.renkei.example.jp>のメール:"),
        device: Some("iPhoneから送信"),
    },
    Client {
        name: "iPhone (英語)",
        quoting: Inside("On Nov 24, 2026, at 10:00 AM, 連携 <reply+a@in.renkei.example.jp> wrote:"),
        device: Some("Sent from my iPhone"),
    },
    Client {
        name: "iPhone HTML のみ",
        quoting: Html(
            "<div dir=\"ltr\"><br><blockquote type=\"cite\">2026/11/24 10:00、連携 &lt;reply+a@in.renkei.example.jp&gt;のメール:<br><br></blockquote></div>",
            "<blockquote type=\"cite\"><div dir=\"ltr\">",
            "</div></blockquote>",
        ),
        device: Some("iPhoneから送信"),
    },
    client("Apple Mail", Marked("2026/11/24 10:00、連携 <reply+a@in.renkei.example.jp>のメール:\n", "> ")),
    client("Thunderbird", Marked("On 2026/11/24 10:00, 連携 wrote:", "> ")),
    client("Thunderbird (旧)", Marked("(2026/11/24 10:00), 連携 wrote:", "> ")),
    client(
        "Thunderbird HTML のみ",
        Html(
            "<div class=\"moz-cite-prefix\">On 2026/11/24 10:00, 連携 wrote:<br></div>",
            "<blockquote type=\"cite\" cite=\"mid:x\">",
            "</blockquote>",
        ),
    ),
    client("Yahoo!メール", Heading("----- 元のメッセージ -----\n{HEAD}\n")),
    client(
        "Yahoo!メール (旧)",
        Heading(
            "----- Original Message -----\nFrom: 連携 <reply+a@in.renkei.example.jp>\nTo: otsuka@sakura.example.jp\nDate: 2026/11/24, Tue 10:00\nSubject: つばき01\n",
        ),
    ),
    client(
        "Yahoo!メール アプリ",
        Marked("2026年11月24日(火) 10:00、連携 <reply+a@in.renkei.example.jp> のメール：\n", "> "),
    ),
    client(
        "docomoメール",
        Heading("-----元のメッセージ-----\n差出人：連携\n日時：2026/11/24 10:00\n件名：つばき01\n"),
    ),
    client("auメール", Marked("----- Original Message -----", ">")),
    client("SoftBankメール", Marked("", ">")),
    client("引用なしの携帯", Quoting::None),
    client(
        "Becky!",
        Marked("On Tue, 24 Nov 2026 10:00:00 +0900\n連携 <reply+a@in.renkei.example.jp> wrote:\n", "> "),
    ),
    client("秀丸メール", Marked("連携さんは書きました (2026/11/24 10:00):", ">")),
    client("Shuriken", Marked("連携 さんの 2026年11月24日 10:00 のメール：", "| ")),
    client("サイボウズ Office", Marked("連携 さんからのメール:\n", "> ")),
    client(
        "Garoon",
        Heading(
            "-------- Original Message --------\nSubject: つばき01\nFrom: 連携 <reply+a@in.renkei.example.jp>\nTo: otsuka@sakura.example.jp\nDate: 2026/11/24 10:00:00\n",
        ),
    ),
    client(
        "Garoon (引用符)",
        Marked("連携 <reply+a@in.renkei.example.jp> wrote (2026/11/24 10:00):\n", "> "),
    ),
    client(
        "Outlook モバイル HTML のみ",
        Html(
            "<div id=\"ms-outlook-mobile-signature\"><a href=\"https://aka.ms/o0ukef\">Outlook for iOS</a> を入手</div><hr style=\"display:inline-block;width:98%\" tabindex=\"-1\"><div id=\"divRplyFwdMsg\" dir=\"ltr\"><b>差出人:</b> 連携 &lt;reply+a@in.renkei.example.jp&gt;<br><b>送信日時:</b> 2026年11月24日 火曜日 10:00<br><b>宛先:</b> 大塚<br><b>件名:</b> つばき01</div>",
            "<div>",
            "</div>",
        ),
    ),
    client(
        "新しい Outlook (英語) HTML のみ",
        Html(
            "<div id=\"mail-editor-reference-message-container\"><div class=\"ms-outlook-mobile-reference-message skipProofing\" style=\"border-top:solid #B5C4DF 1pt\"><b>From: </b>連携 &lt;reply+a@in.renkei.example.jp&gt;<br><b>Date: </b>Tuesday, November 24, 2026 at 10:00<br><b>To: </b>大塚<br><b>Subject: </b>つばき01</div>",
            "<div>",
            "</div></div>",
        ),
    ),
    client(
        "Spark HTML のみ",
        Html(
            "<div name=\"messageSignatureSection\"><br><div class=\"matchFont\">Sparkから送信</div></div><div name=\"messageReplySection\">2026年11月24日 10:00 +0900、連携 &lt;reply+a@in.renkei.example.jp&gt;のメール:<br>",
            "<blockquote type=\"cite\" class=\"spark_quote\">",
            "</blockquote></div>",
        ),
    ),
    client(
        "Galaxy HTML のみ",
        Html(
            "<div id=\"composer_signature\" dir=\"auto\">Galaxyから送信しました</div><div><br></div><div align=\"left\" dir=\"auto\"><div>-------- 元のメッセージ --------</div><div>送信元: 連携 &lt;reply+a@in.renkei.example.jp&gt; </div><div>日付: 2026/11/24 10:00 (GMT+09:00) </div><div>宛先: 大塚 </div><div>件名: つばき01 </div></div>",
            "<div>",
            "</div>",
        ),
    ),
    client(
        "Yahoo!メール HTML のみ",
        Html(
            "<div id=\"ydp1yahoo_quoted_1\" class=\"ydp1 yahoo_quoted\"><div>2026年11月24日 火曜日 10:00:00 JST に、 連携 &lt;reply+a@in.renkei.example.jp&gt; が書きました:</div>",
            "<div>",
            "</div></div>",
        ),
    ),
    client("Xperia", Heading("---- 連携さんは書きました ----\n")),
];

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Acknowledged,
    Above,
    Below,
    Between,
    Signed,
    Notice,
    NoticeAlone,
    Forwarded,
}

const CASES: &[(Case, &str)] = &[
    (Case::Acknowledged, "「了解しました」だけ"),
    (Case::Above, "引用の上に本文"),
    (Case::Below, "引用の下に本文"),
    (Case::Between, "引用の間に回答"),
    (Case::Signed, "署名つき"),
    (Case::Notice, "署名と守秘の断り書き"),
    (Case::NoticeAlone, "守秘の断り書きだけ"),
    (Case::Forwarded, "転送"),
];

const SIGNATURE: &str = "＿＿＿＿＿＿＿＿＿＿＿＿＿＿＿＿\nさくら訪問看護ステーション\n大塚 りつ子\nTEL 03-0000-0103 / FAX 03-0000-0104\n＿＿＿＿＿＿＿＿＿＿＿＿＿＿＿＿";
const NOTICE: &str = "本メールには機密情報が含まれている場合があります。誤って受信された場合は、お手数ですが送信者へご連絡のうえ、削除してくださいますようお願いいたします。";

/// The text that the writer means and all that must be taken off, by case.
fn own(case: Case) -> &'static str {
    match case {
        Case::Acknowledged => "了解しました",
        Case::Above | Case::Signed | Case::Notice | Case::NoticeAlone => {
            "26日10時で大丈夫です。\n鍵はいつもの所です。"
        }
        Case::Below => "下に書きます。10時で承知しました。",
        Case::Between => "お受けします。",
        Case::Forwarded => "念のため転送します。",
    }
}

fn fill(text: &str) -> String {
    text.replace("{HEAD_EN}", HEAD_EN).replace("{HEAD}", HEAD)
}

fn quote(quoting: Quoting, between: Option<&str>) -> String {
    let marked = |mark: &str| -> Vec<String> {
        let mut lines: Vec<String> = ASKED.iter().map(|l| format!("{mark}{l}")).collect();
        if let Some(answer) = between {
            lines.insert(2, format!("{answer}\n"));
            lines.push(format!("\n{answer}"));
        }
        lines
    };
    match quoting {
        Marked(attribution, mark) => {
            let lines = marked(mark).join("\n");
            if attribution.is_empty() { lines } else { format!("{}\n{lines}", fill(attribution)) }
        }
        Inside(attribution) => format!("> {attribution}\n> \n{}", marked("> ").join("\n")),
        Heading(heading) => format!("{}\n{}", fill(heading), ASKED.join("\n")),
        Html(before, open, close) => format!("{before}{open}{}{close}", ASKED.join("<br>")),
        Quoting::None => String::new(),
    }
}

fn mail(client: &Client, case: Case) -> Option<String> {
    let html = matches!(client.quoting, Html(..));
    let marked = matches!(client.quoting, Marked(..) | Inside(_));
    let text = own(case);
    let line = if html { "<br>" } else { "\n" };
    let mut parts: Vec<String> = Vec::new();
    match case {
        Case::Below if !marked => return None,
        Case::Below => parts.extend([quote(client.quoting, None), text.to_owned()]),
        Case::Between if !marked => return None,
        Case::Between => parts.push(quote(client.quoting, Some(text))),
        Case::Forwarded => {
            parts.push(text.to_owned());
            let mark = match client.name {
                n if n.starts_with("Gmail") => "---------- Forwarded message ---------",
                n if n.starts_with("iPhone") || n.starts_with("Apple") => "Begin forwarded message:",
                n if n.starts_with("Thunderbird") => "-------- 転送されたメッセージ --------",
                n if n.starts_with("Outlook") => "________________________________",
                _ => "----- 転送メッセージ -----",
            };
            parts.push(format!("{mark}{line}{}{line}{line}{}", HEAD.replace('\n', line), ASKED.join(line)));
        }
        _ => {
            parts.push(text.to_owned());
            if matches!(case, Case::Signed | Case::Notice) {
                parts.push(SIGNATURE.to_owned());
            }
            if matches!(case, Case::Notice | Case::NoticeAlone) {
                parts.push(NOTICE.to_owned());
            }
            parts.extend(client.device.map(str::to_owned));
            parts.push(quote(client.quoting, None));
        }
    }
    let subject = if case == Case::Forwarded {
        "Fwd: つばき01 訪問時間"
    } else {
        "Re: つばき01 訪問時間"
    };
    let (kind, body) = if html {
        let body: String = parts
            .iter()
            .map(|p| format!("<div>{}</div>", p.replace('\n', "<br>\n")))
            .collect::<Vec<_>>()
            .join("<br>");
        ("text/html", format!("<html><head><style>p{{}}</style></head><body>{body}</body></html>"))
    } else {
        ("text/plain", parts.join("\n\n"))
    };
    Some(format!(
        "From: 大塚 <otsuka@sakura.example.jp>\nTo: reply@in.renkei.example.jp\nSubject: {subject}\n\
         In-Reply-To: <x@in.renkei.example.jp>\nMessage-ID: <1@sakura.example.jp>\nMIME-Version: 1.0\n\
         Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}\n"
    ))
}

fn read(mail: &str) -> Envelope {
    envelope(&parse_mail(mail.as_bytes()).unwrap(), &Origin::default(), &mut HashingSink).unwrap()
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// What a cell says: ○ exactly the writer's text, △ the text with more around it, ✕ something is lost.
fn judge(client: &Client, case: Case, got: &Envelope) -> &'static str {
    let body = got.body.clone().unwrap_or_default();
    let all = [&got.body, &got.quoted, &got.signature]
        .into_iter()
        .flatten()
        .map(|s| squeezed(s))
        .collect::<String>();
    let has = |text: &str| all.contains(&squeezed(text));
    let quoted = !matches!(client.quoting, Quoting::None);
    if !body.contains(own(case)) || (quoted && !ASKED.iter().all(|l| has(l))) {
        return "✕";
    }
    let whole = match case {
        Case::Acknowledged => body == own(case) && got.intent == Intent::Acknowledgement,
        Case::Above | Case::Signed | Case::Notice | Case::NoticeAlone | Case::Below => body == own(case),
        // The questions belong to the answers.
        Case::Between => body.matches(own(case)).count() == 2 && ASKED[1..].iter().all(|l| body.contains(l)),
        // What is forwarded is content.
        Case::Forwarded => ASKED.iter().all(|l| body.contains(l)),
    };
    if whole { "○" } else { "△" }
}

fn table() -> String {
    let mut out = String::from("| 差出側 |");
    for (_, name) in CASES {
        let _ = write!(out, " {name} |");
    }
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(CASES.len()));
    out.push('\n');
    for client in CLIENTS {
        let _ = write!(out, "| {} |", client.name);
        for (case, _) in CASES {
            let cell = mail(client, *case).map_or("–", |m| judge(client, *case, &read(&m)));
            let _ = write!(out, " {cell} |");
        }
        out.push('\n');
    }
    out
}

#[test]
fn nothing_is_lost_and_the_table_is_true() {
    let table = table();
    for client in CLIENTS {
        for (case, name) in CASES {
            let Some(mail) = mail(client, *case) else { continue };
            let got = read(&mail);
            let cell = judge(client, *case, &got);
            if std::env::var_os("KAKEHASHI_SHOW_CLIENTS").is_some() && cell != "○" {
                println!(
                    "{} / {name}: {cell}\n  body {:?}\n  quoted {:?}\n  signature {:?}",
                    client.name, got.body, got.quoted, got.signature
                );
            }
            assert_ne!(cell, "✕", "{} / {name}: {:?} {:?}", client.name, got.body, got.quoted);
        }
    }
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/email.md");
    let text = std::fs::read_to_string(docs).unwrap();
    assert!(text.contains(&table), "docs/email.md must hold this table:\n{table}");
}
