//! 休止, 了解状況, 担当終了 and 設定変更 that a member asks for in a word (care-network.md 6.2 and 6.4). What the
//! evidence allows is done, everything else is a task of the office. Only a mail whose own text is nothing but
//! the request comes here; a machine never does.

use super::answer::only_item;
use super::{Bench, doubt};
use crate::decision::{Decision, Request, RequestedAct, TriageReason};
use crate::facts::{CodeEntry, CodeFacts, SenderFacts};
use crate::ids::GroupId;
use crate::vocabulary::{AttachmentRole, Channel, IdentityLevel, Intent};
use crate::{identity_level, mail_wishes, paper_request};

impl Bench<'_> {
    /// The answer to a request, if the message is one. 担当終了 always needs the facility manager's word.
    pub(super) fn requested(&mut self) -> Option<Decision> {
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
        let proved =
            self.level >= IdentityLevel::I2 && intent != Intent::LeaveGroup && self.doubts().is_empty();
        self.ground(if proved {
            "返信コードか電子証明で本人確認ができています"
        } else {
            "登録の番号へ折り返して確かめてから行います"
        });
        if let Some(request) = self.by_mail().filter(|_| proved) {
            return Some(Decision::Request(request));
        }
        let reason = TriageReason::Requested { verb: intent.code().to_owned(), proved };
        Some(self.triage(vec![reason]))
    }

    /// What is done without a person: only for a mail that brings nothing else.
    fn by_mail(&mut self) -> Option<Request> {
        let sender = self.facts.sender.as_ref()?;
        let brings = self.envelope.attachments.iter().any(|a| a.role == AttachmentRole::Document);
        let receives = sender.endpoint.settings.receives && sender.endpoint.channel == Channel::Email;
        if self.envelope.channel != Channel::Email || brings || !receives {
            return None;
        }
        let entry = self.standing_code()?;
        let (group_id, act) = match self.envelope.intent {
            Intent::SeeReceipts => self.receipts(entry)?,
            Intent::Preference => self.preferences(entry, sender)?,
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
    fn receipts(&mut self, entry: &CodeEntry) -> Option<(GroupId, RequestedAct)> {
        let item = only_item(entry)?;
        self.ground("了解状況を次の便でお知らせします");
        Some((item.group_id, RequestedAct::SeeReceipts { post_id: item.post_id }))
    }

    /// 設定変更 of the address that asks, if every word of it is understood, none contradicts another and
    /// something changes.
    fn preferences(&mut self, entry: &CodeEntry, sender: &SenderFacts) -> Option<(GroupId, RequestedAct)> {
        let wishes = mail_wishes::read(self.envelope.body.as_deref()?)?;
        paper_request::settings(&sender.endpoint.settings, wishes.iter().map(String::as_str))?;
        let of_item = || entry.items.first().map(|i| i.group_id.clone());
        let group_id = entry.group_id.clone().or_else(of_item)?;
        self.ground("受け取り方を変え、控えを次の便でお届けします。24時間以内なら元に戻せます");
        Some((group_id, RequestedAct::Preferences { wishes }))
    }
}
