//! Sheets that carry no post: their sentences and facts (care-network.md 6.4). Short, polite, and one
//! unmistakable thing to do. Only the 受領確認書 names the patient, because a facility files it; all others
//! lie open on a desk or in a home.

use super::foot::{FootPlan, staff_boxes};
use super::values::{Fact, Geometry, Ruled, SheetPage, SlipPages, SlipValues, Table};
use super::{PaperPages, finish, qr, to_value};
use crate::fault::RenderFault;
use crate::name_guard::NameGuard;
use crate::paper::{Paper, Template};
use crate::printable::Printable;
use crate::wording;
use kakehashi_core::directory::EndpointSettings;
use kakehashi_core::job::{DeliveryJob, JobSheet};
use kakehashi_core::reply_code::QrPlace;
use kakehashi_core::sheet_form::{DIGEST_STAFF_MAX, SheetCode, SheetForm};
use kakehashi_core::sheet_geometry::SheetLayout;
use kakehashi_core::sheet_order::{PasteSlips, ReceiptLine, ReceiptTable, SheetContent};
use kakehashi_core::text::number::grouped;
use kakehashi_core::vocabulary::{ReplyExpectation, Urgency};
use typst::foundations::{Array, Dict, IntoValue as _};

/// Most members in a table: a page holds no more.
const LINES_MAX: usize = 18;
/// Longest title or name that a page says whole, in characters.
const NAME_MAX: usize = 80;
/// Longest name of a facility in a table; it takes several lines.
const FACILITY_MAX: usize = 48;
/// Most slips of one order.
const SLIPS_MAX: usize = 40;
/// Longest text on a slip, in characters.
const SLIP_MAX: usize = 420;
/// Most lines of a text on a slip; more are written behind each other.
const SLIP_LINES_MAX: usize = 9;

/// The page of an ordered sheet.
///
/// # Errors
/// If typst cannot set it.
pub(crate) fn sheet(paper: &Paper, job: &DeliveryJob, ordered: &JobSheet) -> Result<PaperPages, RenderFault> {
    let mut printable = Printable::new(paper);
    if let SheetContent::PasteSlips(slips) = &ordered.content {
        return paste_slips(paper, job, slips, &mut printable);
    }
    let staff_most = DIGEST_STAFF_MAX;
    let words = words(ordered, &mut printable);
    let network = &job.network;
    let mut page = SheetPage {
        document_title: words.title.to_owned(),
        to: printable.line(&ordered.facility.name, 60),
        office: printable.line(&network.office_name, 40),
        phone: printable.line(&network.office_phone, 24),
        hours: printable.line(&network.office_hours, 30),
        sent_at: job.due_at.to_ja(),
        code: None,
        title: words.title.to_owned(),
        title_en: words.title_en.to_owned(),
        lead: words.lead,
        lead_en: words.lead_en.iter().map(|l| (*l).to_owned()).collect(),
        facts: words.facts,
        table: words.table,
        closing: words.closing,
        ruled: words.ruled,
        missing: printable.missing,
        sheet: None,
    };
    let mut inputs = Dict::new();
    let staff = staff_boxes(&ordered.staff_names, staff_most, &mut printable);
    let names = u8::try_from(staff.len()).unwrap_or(staff_most);
    let form = form_of(&ordered.content, names);
    if let Some(form) = form {
        let plan = FootPlan {
            form,
            first: 1,
            staff_beyond: ordered.staff_names.len() > staff.len(),
            staff,
            gateway_fax: printable.line(&network.gateway_fax, 20),
            phone: page.phone.clone(),
            to: page.to.clone(),
            about: String::new(),
            about_when: String::new(),
            acknowledged: None,
            valid_until: kakehashi_core::clock::ja_date(ordered.code_expires_at.in_japan().date()),
            lines: Vec::new(),
        };
        page.sheet = Some(plan.foot(&ordered.code, 1)?);
        page.code = Some(ordered.code.spaced());
        inputs.insert("geometry".into(), to_value(&Geometry::of_sheets())?);
    }
    inputs.insert("data".into(), to_value(&page)?);
    inputs.insert("files".into(), Array::new().into_value());
    finish(&paper.set(Template::Sheet, inputs)?)
}

/// What can be read on an ordered sheet.
pub(crate) fn layout_of_order(paper: &Paper, ordered: &JobSheet, page: u16) -> Option<SheetLayout> {
    let staff = staff_boxes(&ordered.staff_names, DIGEST_STAFF_MAX, &mut Printable::new(paper));
    let names = u8::try_from(staff.len()).unwrap_or(DIGEST_STAFF_MAX);
    let code = SheetCode {
        code: ordered.code.clone(),
        form: form_of(&ordered.content, names)?,
        page,
        first: 1,
        place: QrPlace::A,
    };
    Some(code.layout())
}

/// The form of a sheet with boxes, with so many names.
const fn form_of(content: &SheetContent, names: u8) -> Option<SheetForm> {
    match content {
        SheetContent::Contact => Some(SheetForm::Contact),
        SheetContent::Preference => Some(SheetForm::Preference),
        SheetContent::Verification => Some(SheetForm::Verification),
        SheetContent::Cover { .. } => Some(SheetForm::Cover),
        SheetContent::StaffChange => Some(SheetForm::StaffChange { staff: names }),
        SheetContent::Status(_)
        | SheetContent::Evidence(_)
        | SheetContent::PasteSlips(_)
        | SheetContent::Receipt(_)
        | SheetContent::LeaveConfirmation { .. } => None,
    }
}

/// The words of one kind.
struct Words {
    title: &'static str,
    title_en: &'static str,
    lead: Vec<String>,
    lead_en: &'static [&'static str],
    facts: Vec<Fact>,
    table: Option<Table>,
    closing: Vec<String>,
    ruled: Option<Ruled>,
}

impl Words {
    fn new(
        title: &'static str,
        title_en: &'static str,
        lead: &[&str],
        lead_en: &'static [&'static str],
    ) -> Self {
        Self {
            title,
            title_en,
            lead: lead.iter().map(|l| (*l).to_owned()).collect(),
            lead_en,
            facts: Vec::new(),
            table: None,
            closing: Vec::new(),
            ruled: None,
        }
    }
}

/// A fact that stays on its line: the page has no room for more.
fn fact(label: &str, value: String) -> Fact {
    Fact { label: label.to_owned(), value, one_line: true }
}

/// A fact that is said whole, on as many lines as it takes.
fn whole(label: &str, value: String) -> Fact {
    Fact { one_line: false, ..fact(label, value) }
}

fn words(ordered: &JobSheet, printable: &mut Printable<'_>) -> Words {
    let number = grouped(&printable.line(&ordered.endpoint.address, 20));
    let facility = printable.line(&ordered.facility.name, 60);
    match &ordered.content {
        SheetContent::Contact => Words {
            facts: vec![
                fact("差出人", facility),
                fact("この紙の番号", ordered.code.spaced()),
            ],
            ruled: Some(Ruled { y: 84.0, height: 54.0, rows: 5 }),
            ..Words::new(
                "連絡票",
                "Contact sheet: a new topic",
                &[
                    "チームに知らせたいことを書いて、この紙をFAXしてください。",
                    "一枚に一人の患者さんのことだけを。急ぐときは、まずお電話ください。",
                ],
                &["Write what the team should know, tick below and fax this page. One patient per sheet."],
            )
        },
        SheetContent::Preference => Words {
            facts: settings(&ordered.endpoint.settings, number),
            closing: vec!["変更の控えは次の便でお届けします。24時間以内なら元に戻せます。".to_owned()],
            ..Words::new(
                "設定票",
                "How you want to receive",
                &[
                    "お受け取り方を変えるときは、変えたい所だけに✓を付けて返送してください。",
                    "今の設定は次のとおりです。",
                ],
                &["Tick only what you want to change and send this page back. Above: the settings in force."],
            )
        },
        SheetContent::Verification => Words {
            facts: vec![
                fact("施設", facility),
                fact("FAX番号", number),
            ],
            closing: vec!["この紙が戻るまで、患者さんに関わるものはこの番号にお送りしません。".to_owned()],
            ..Words::new(
                "番号確認票",
                "Is this your number?",
                &[
                    "下の番号が施設のものか、お確かめください。",
                    "正しければ「この番号で受け取りました」に✓を付け、お名前を書いて、同じFAX機から返送してください。",
                ],
                &["If the number is yours, tick the box, sign, and send this page back from the same machine."],
            )
        },
        SheetContent::StaffChange => Words {
            facts: vec![fact("施設", facility)],
            closing: vec![
                "退職される方の受け取りと署名は、最終日の終わりで止まります。担当の引継ぎ先もお書きください。".to_owned(),
                "届いたら、登録のお電話番号へ事務局から確認のお電話をします。".to_owned(),
            ],
            ..Words::new(
                "異動届",
                "Staff change notice",
                &["人の出入りがあったときに、この一枚だけをお送りください。申込書は要りません。"],
                &["Send only this page when people join or leave. The office calls back to confirm."],
            )
        },
        SheetContent::Cover { urgency, posts } => {
            let mark = wording::urgency_mark(*urgency);
            Words {
                facts: vec![
                    fact("お預かりしているもの", format!("{posts}件")),
                    fact("緊急度", format!("{mark} {}", urgency.ja())),
                ],
                closing: match urgency {
                    Urgency::Normal => Vec::new(),
                    Urgency::Urgent | Urgency::Emergency => {
                        vec!["お急ぎの内容です。すぐに返送できないときは、事務局へお電話ください。".to_owned()]
                    }
                },
                ..Words::new(
                    "お送りするものがあります",
                    "There is something for you",
                    &[
                        "先にこの表紙だけをお送りしています。本文は、この紙が戻ったあとにお送りします。",
                        "正しく届いていれば「受け取りました」に✓を付けて、返送してください。",
                    ],
                    &["This cover goes alone. Tick and return it, and the pages will follow."],
                )
            }
        }
        SheetContent::Status(table) => {
            let guard = NameGuard::new(&table.patient_name);
            Words {
                facts: vec![
                    fact("グループ", printable.line(&guard.without(&table.group_alias), 20)),
                    whole("投稿", printable.line(&guard.without(&table.title), NAME_MAX)),
                    whole("投稿者", printable.line(&guard.without(&table.author), NAME_MAX)),
                    fact("時刻", table.posted_at.to_ja()),
                ],
                table: Some(status_table(table, printable)),
                closing: closing(table),
                ..Words::new(
                    "了解状況",
                    "Who has acknowledged",
                    &["お尋ねの投稿を、どなたが了解されたかのお知らせです。返信は要りません。"],
                    &["送達: the far machine took it. 了解: a person confirmed. No reply needed."],
                )
            }
        }
        SheetContent::Evidence(table) => Words {
            facts: evidence_facts(table, printable),
            table: Some(evidence_table(table, printable)),
            closing: closing(table),
            ..Words::new(
                "受領確認書",
                "Evidence of receipt",
                &["お送りになった文書の送達と了解の記録です。記録として保管できます。"],
                &["送達: the far machine took all pages. 了解: a person confirmed. Two facts, two times."],
            )
        },
        SheetContent::Receipt(receipt) => {
            let said = receipt.words(ordered.code_expires_at, false);
            let mut words = Words::new(said.title, said.title_en, &[], &[]);
            words.lead = said.ja.iter().map(|l| printable.line(l, 80)).collect();
            words.closing = vec!["お心当たりがなければ、事務局へお電話ください。".to_owned()];
            words
        }
        SheetContent::LeaveConfirmation { alias } => Words {
            facts: vec![fact("グループ", printable.line(alias, 20))],
            closing: vec!["お心当たりがなければ、何もなさらずに結構です。".to_owned()],
            ..Words::new(
                "担当終了の確認",
                "Do you leave this group?",
                &["担当終了の申出がありました。まだ終了していません。", "施設管理者の方がお確かめのうえ、事務局へお電話ください。"],
                &["Somebody asked to leave this group. Nothing has changed; call the office if it is right."],
            )
        },
        SheetContent::PasteSlips(_) => Words::new("貼付票", "Paste-in slips", &[], &[]),
    }
}

fn closing(table: &ReceiptTable) -> Vec<String> {
    let mut words =
        vec!["「送達」は相手の機械が全頁を受け取ったこと、「了解」は人が確かめたことです。".to_owned()];
    if table.lines.len() > LINES_MAX {
        words.push(format!("ほか{}施設は事務局へお尋ねください。", table.lines.len() - LINES_MAX));
    }
    words
}

fn settings(settings: &EndpointSettings, number: String) -> Vec<Fact> {
    let digests = if settings.digests.is_empty() {
        "なし(すべてすぐにお送りします)".to_owned()
    } else {
        // Days are said once for all times that follow each other on them.
        let mut words = String::new();
        for (at, digest) in settings.digests.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|n| settings.digests.get(n));
            let days: String = digest.days.iter().map(|d| d.ja()).collect();
            match before {
                Some(before) if before.days == digest.days => words.push('・'),
                Some(_) => words.push_str(&format!("、{days} ")),
                None if days.is_empty() => {}
                None => words.push_str(&format!("{days} ")),
            }
            words.push_str(&digest.at.to_string());
        }
        words
    };
    let instant = match settings.instant_threshold {
        Urgency::Normal => "すべて即時",
        Urgency::Urgent => "至急から即時",
        Urgency::Emergency => "緊急だけ即時",
    };
    // Without quiet hours nothing is held back at night, so no word about it.
    let night = if settings.night_ok { "夜間可" } else { "夜間は不可" };
    let quiet = settings
        .quiet_hours
        .map_or_else(|| "なし".to_owned(), |q| format!("{} から {} まで(緊急は{night})", q.from, q.until));
    vec![
        fact("FAX番号", number),
        fact("即時の基準", instant.to_owned()),
        whole("まとめ便", digests),
        fact("休み時間帯", quiet),
    ]
}

fn delivered(line: &ReceiptLine) -> String {
    line.delivery.map_or_else(
        || "—".to_owned(),
        |(channel, state, at)| format!("{} {} {}", channel.ja(), state.ja(), at.to_ja()),
    )
}

fn acknowledged(line: &ReceiptLine, printable: &mut Printable<'_>) -> String {
    match (&line.acknowledged, line.replied_at) {
        (Some((at, Some(name))), _) => format!("{} {}", at.to_ja(), printable.line(name, 12)),
        (Some((at, None)), _) => at.to_ja(),
        (None, Some(at)) => format!("返信 {}", at.to_ja()),
        (None, None) if line.asked == ReplyExpectation::None => "(共有のみ)".to_owned(),
        (None, None) => "まだ".to_owned(),
    }
}

fn status_table(table: &ReceiptTable, printable: &mut Printable<'_>) -> Table {
    let rows = table.lines.iter().take(LINES_MAX).map(|line| {
        vec![
            printable.line(&line.facility, FACILITY_MAX),
            line.asked.ja().to_owned(),
            acknowledged(line, printable),
        ]
    });
    Table {
        widths: vec![2.4, 1.3, 2.0], head: vec!["施設", "お願い", "了解・返信"], rows: rows.collect()
    }
}

fn evidence_facts(table: &ReceiptTable, printable: &mut Printable<'_>) -> Vec<Fact> {
    vec![
        fact(
            "患者・利用者",
            printable.line(&format!("{} 様 ({})", table.patient_name, table.group_alias), NAME_MAX),
        ),
        whole("内容", printable.line(&table.title, NAME_MAX)),
        whole("差出人", printable.line(&table.author, NAME_MAX)),
        fact("日時・経路", format!("{} {}", table.posted_at.to_ja(), table.channel.ja())),
    ]
}

fn evidence_table(table: &ReceiptTable, printable: &mut Printable<'_>) -> Table {
    let rows = table.lines.iter().take(LINES_MAX).map(|line| {
        vec![printable.line(&line.facility, FACILITY_MAX), delivered(line), acknowledged(line, printable)]
    });
    Table { widths: vec![2.2, 2.2, 2.0], head: vec!["受取人", "送達", "了解"], rows: rows.collect() }
}

fn paste_slips(
    paper: &Paper,
    job: &DeliveryJob,
    slips: &PasteSlips,
    printable: &mut Printable<'_>,
) -> Result<PaperPages, RenderFault> {
    // The notebook lies open in the home: whoever lives there knows who is meant.
    let guard = NameGuard::new(&slips.patient_name);
    let safe = |text: &str| guard.replaced(text, "ご本人");
    let mut values = Vec::new();
    for slip in slips.slips.iter().take(SLIPS_MAX) {
        let safe = safe(&slip.text);
        let short: String = safe.chars().take(SLIP_MAX).collect();
        let cut = short.len() < safe.len();
        let (mut lines, _) = printable.lines(&if cut { format!("{short}…") } else { short });
        if lines.len() > SLIP_LINES_MAX {
            lines = vec![lines.into_iter().filter(|l| !l.is_empty()).collect::<Vec<_>>().join("　")];
        }
        if cut {
            lines.push("(続きは訪問する方にお尋ねください)".to_owned());
        }
        let code = SheetCode {
            code: slip.code.clone(),
            form: SheetForm::PasteSlip,
            page: 1,
            first: slip.number,
            place: QrPlace::A,
        };
        values.push(SlipValues {
            number: slip.number,
            alias: printable.line(&guard.without(&slips.group_alias), 20),
            author: printable.line(&guard.without(&slip.author), 40),
            at: slip.posted_at.to_ja(),
            lines,
            qr: qr::runs(&code.text())?,
            code: slip.code.spaced(),
        });
    }
    if values.is_empty() {
        return Err(RenderFault::NoItems);
    }
    let network = &job.network;
    let pages = SlipPages {
        document_title: "貼付票".to_owned(),
        phone: printable.line(&network.office_phone, 24),
        hours: printable.line(&network.office_hours, 30),
        gateway_fax: printable.line(&network.gateway_fax, 20),
        slips: values,
    };
    let mut inputs = Dict::new();
    inputs.insert("data".into(), to_value(&pages)?);
    inputs.insert("geometry".into(), to_value(&Geometry::of_sheets())?);
    finish(&paper.set(Template::PasteSlip, inputs)?)
}
