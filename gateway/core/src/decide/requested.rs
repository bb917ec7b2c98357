//! 休止, 了解状況, 担当終了 and 設定変更 that a member asks for in a word, and what comes back to their receipts
//! (care-network.md 6.2 and 6.4). What the evidence allows is done, everything else is a task of the office. Only a
//! mail whose own text is nothing but the request comes here; a machine never does.

use super::answer::only_item;
use super::{Bench, doubt};
use crate::decision::{Decision, Request, RequestedAct, TriageReason};
use crate::facts::{CodeEntry, CodeFacts, SenderFacts};
use crate::ids::GroupId;
use crate::pause_words::{self, PauseWish};
use crate::receipt::{ReceiptOf, takes_back};
use crate::sheet_order::SheetOrder;
use crate::text::fold::narrow;
use crate::vocabulary::{AttachmentRole, Channel, IdentityLevel, Intent};
use crate::{identity_level, mail_wishes, paper_request};

impl Bench<'_> {
    /// The answer to a request, if the message is one.
    pub(super) fn requested(&mut self) -> Option<Decision> {
        if let Some(decision) = self.answer_to_receipt() {
            return Some(decision);
        }
        let intent = self.envelope.intent;
        if !matches!(intent, Intent::Pause | Intent::SeeReceipts | Intent::LeaveGroup | Intent::Preference) {
            return None;
        }
        let code_stands = self.code_stands();
        // A code that does not stand gets the answer of every wrong code, whatever was asked.
        let coded = !matches!(self.facts.code, CodeFacts::Absent) || self.facts.thread.is_some();
        if (coded && !code_stands) || self.warned(doubt::REPLY_CODE_MALFORMED) {
            return None;
        }
        self.level = identity_level::of(self.envelope, self.facts, code_stands);
        let proved = self.level >= IdentityLevel::I2 && self.doubts().is_empty();
        if let Some(request) = self.by_mail().filter(|_| proved) {
            self.ground("返信コードで本人確認ができています");
            return Some(Decision::Request(request));
        }
        // 担当終了 by the office needs the facility manager's word as well.
        let proved = proved && intent != Intent::LeaveGroup;
        self.ground(if proved {
            "返信コードか電子証明で本人確認ができています"
        } else {
            "登録の番号へ折り返して確かめてから行います"
        });
        let reason = TriageReason::Requested { verb: intent.code().to_owned(), proved };
        Some(self.triage(vec![reason]))
    }

    /// What comes back to a 控え or to the question whether a facility leaves: 取消, 了解. Anything else is no
    /// answer to it and takes its usual way.
    fn answer_to_receipt(&mut self) -> Option<Decision> {
        let sender = self.facts.sender.as_ref()?;
        let entry = self.standing_code().filter(|e| e.endpoint_id == sender.endpoint.id)?;
        let order = entry.sheet.clone()?;
        if self.envelope.channel != Channel::Email || self.brings_files() {
            return None;
        }
        let level = identity_level::of(self.envelope, self.facts, true);
        if level < IdentityLevel::I2 || !self.doubts().is_empty() {
            return None;
        }
        let text = self.envelope.body.as_deref().unwrap_or_default();
        let back = takes_back(text);
        let acknowledged = self.envelope.intent == Intent::Acknowledgement;
        let leaves = acknowledged || self.envelope.intent == Intent::LeaveGroup;
        let (group_id, act, ground) = match order {
            SheetOrder::Receipt { receipt } if back => {
                let group_id = match &receipt {
                    ReceiptOf::Leave { group_id } => Some(group_id.clone()),
                    ReceiptOf::Settings { .. } | ReceiptOf::Pause { .. } => None,
                };
                (group_id, RequestedAct::TakeBack { receipt }, "控えへの返信で取り消されました")
            }
            SheetOrder::LeaveConfirmation { group_id } if leaves => {
                let act = RequestedAct::Leave { group_id: group_id.clone() };
                (Some(group_id), act, "担当終了が、施設のアドレスで確かめられました")
            }
            SheetOrder::Receipt { .. } | SheetOrder::LeaveConfirmation { .. } if acknowledged || back => {
                self.level = level;
                self.ground("控えへの返信です。変わることはありません");
                return Some(Decision::Record { what: "receipt".to_owned() });
            }
            _ => return None,
        };
        self.level = level;
        self.ground(ground);
        Some(Decision::Request(Request {
            group_id,
            facility_id: entry.facility_id.clone(),
            endpoint_id: entry.endpoint_id.clone(),
            act,
        }))
    }

    fn brings_files(&self) -> bool {
        self.envelope.attachments.iter().any(|a| a.role == AttachmentRole::Document)
    }

    /// What is done without a person: only for a mail that brings nothing else.
    fn by_mail(&mut self) -> Option<Request> {
        let sender = self.facts.sender.as_ref()?;
        let receives = sender.endpoint.settings.receives && sender.endpoint.channel == Channel::Email;
        if self.envelope.channel != Channel::Email || self.brings_files() || !receives {
            return None;
        }
        let entry = self.standing_code()?;
        let (group_id, act) = match self.envelope.intent {
            Intent::SeeReceipts => self.receipts(entry)?,
            Intent::Preference => self.preferences(entry, sender)?,
            Intent::Pause => self.pause(entry)?,
            Intent::LeaveGroup => self.leave(entry)?,
            _ => return None,
        };
        Some(Request {
            group_id,
            facility_id: entry.facility_id.clone(),
            endpoint_id: sender.endpoint.id.clone(),
            act,
        })
    }

    /// 了解状況 of the post that the code stands for. Under a まとめ便 the office asks which one is meant.
    fn receipts(&mut self, entry: &CodeEntry) -> Option<(Option<GroupId>, RequestedAct)> {
        let item = only_item(entry)?;
        self.ground("了解状況を次の便でお知らせします");
        Some((Some(item.group_id), RequestedAct::SeeReceipts { post_id: item.post_id }))
    }

    /// 設定変更 of the address that asks, if every word of it is understood, none contradicts another and
    /// something changes.
    fn preferences(
        &mut self,
        entry: &CodeEntry,
        sender: &SenderFacts,
    ) -> Option<(Option<GroupId>, RequestedAct)> {
        let wishes = mail_wishes::read(self.envelope.body.as_deref()?)?;
        paper_request::settings(&sender.endpoint.settings, wishes.iter().map(String::as_str))?;
        self.ground("受け取り方を変え、控えをお送りします。24時間以内なら返信で元に戻せます");
        Some((group_of(entry), RequestedAct::Preferences { wishes }))
    }

    /// 休止 with its end date, or 再開.
    fn pause(&mut self, entry: &CodeEntry) -> Option<(Option<GroupId>, RequestedAct)> {
        let act = match pause_words::read(self.envelope.body.as_deref()?, self.now)? {
            PauseWish::Pause { from, until, substitute } => {
                self.ground("休止を承り、控えをお送りします。期間が過ぎると再開します");
                RequestedAct::Pause { from, until, substitute }
            }
            PauseWish::Resume => {
                self.ground("休止を終え、再開します");
                RequestedAct::Resume
            }
        };
        Some((group_of(entry), act))
    }

    /// 担当終了 of the one group that the code stands for, from now on. A day to come is for the office.
    fn leave(&mut self, entry: &CodeEntry) -> Option<(Option<GroupId>, RequestedAct)> {
        let text = narrow(self.envelope.body.as_deref()?);
        let dated = text.trim().is_empty() || text.contains(|c: char| c.is_ascii_digit());
        let mut groups = entry.items.iter().map(|i| &i.group_id);
        let group_id = groups.next().filter(|first| groups.all(|g| g == *first)).filter(|_| !dated)?;
        self.ground("担当終了は、施設のアドレスへ確認のメールをお送りし、その返信で行います");
        Some((Some(group_id.clone()), RequestedAct::AskLeave { group_id: group_id.clone() }))
    }
}

/// A group in which the code was given.
fn group_of(entry: &CodeEntry) -> Option<GroupId> {
    entry.group_id.clone().or_else(|| entry.items.first().map(|i| i.group_id.clone()))
}

#[cfg(test)]
mod tests;
