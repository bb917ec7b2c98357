//! The closed lists of care-network.md section 7: one word per concept, the same in code, database,
//! JSON and pages. A list that an association may extend (facility types, professions, document
//! kinds) is text, not an enum.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $ja:literal, $en:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $code)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code used in database, JSON, rules and routes.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The value for a code; `None` if the code is not in the list.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The Japanese word shown to people.
            #[must_use]
            pub const fn ja(self) -> &'static str {
                match self { $(Self::$variant => $ja),+ }
            }

            /// The English word shown to people.
            #[must_use]
            pub const fn en(self) -> &'static str {
                match self { $(Self::$variant => $en),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

words! {
    /// 経路.
    Channel {
        /// Paper over telephone lines, usually carried by a FAX-to-email service.
        Fax = "fax", "FAX", "FAX";
        /// E-mail.
        Email = "email", "メール", "e-mail";
        /// Written record of a call.
        PhoneMemo = "phone_memo", "電話メモ", "phone memo";
        /// A page of the notebook that lies in the home.
        Notebook = "notebook", "連絡ノート", "notebook";
        /// Care-record software over HTTP.
        Api = "api", "記録ソフト", "care-record software";
        /// Care-record software or devices over MQTT.
        Mqtt = "mqtt", "記録ソフト(MQTT)", "care-record software (MQTT)";
        /// A hospital system.
        Hl7 = "hl7", "HL7", "HL7";
        /// Our own pages.
        Web = "web", "ウェブ", "web";
    }
}

words! {
    /// What the raw bytes are (architecture.md section 3).
    Format {
        /// An e-mail.
        Rfc5322 = "rfc5322", "メール", "mail message";
        /// An HL7 v2 message.
        Hl7v2 = "hl7v2", "HL7 v2", "HL7 v2";
        /// A file of an SS-MIX2 storage.
        Ssmix2 = "ssmix2", "SS-MIX2", "SS-MIX2";
        /// A FHIR document.
        Fhir = "fhir", "FHIR", "FHIR";
        /// A TIFF image, as FAX services send it.
        Tiff = "tiff", "TIFF", "TIFF";
        /// A PDF.
        Pdf = "pdf", "PDF", "PDF";
        /// Our own care note JSON.
        Json = "json", "JSON", "JSON";
    }
}

words! {
    /// 緊急度. Ordered: a later value is more urgent.
    Urgency {
        /// Waits for the next digest.
        Normal = "normal", "通常", "normal";
        /// Same day.
        Urgent = "urgent", "至急", "urgent";
        /// At once; the telephone comes first.
        Emergency = "emergency", "緊急", "emergency";
    }
}

words! {
    /// 返信区分.
    ReplyExpectation {
        /// 返信不要, the default.
        None = "none", "返信不要", "no reply needed";
        /// 了解希望.
        Ack = "ack", "了解希望", "please acknowledge";
        /// 返信希望.
        Reply = "reply", "返信希望", "please reply";
        /// 折返し電話希望.
        Call = "call", "折返し電話希望", "please call back";
    }
}

words! {
    /// What the sender means by a message (architecture.md section 3).
    Intent {
        /// Opens a thread.
        Topic = "topic", "新規投稿", "topic";
        /// Answers a post.
        Reply = "reply", "返信", "reply";
        /// 了解 and nothing more.
        Acknowledgement = "acknowledgement", "了解", "acknowledgement";
        /// Asks to be called.
        Callback = "callback", "折返し電話", "call back";
        /// Wants to be left out for a time: 休止 (care-network.md 6.2).
        Pause = "pause", "休止", "pause";
        /// Asks who has acknowledged.
        SeeReceipts = "see_receipts", "了解状況", "see receipts";
        /// Ends the facility's work for the patient.
        LeaveGroup = "leave_group", "担当終了", "leave group";
        /// Changes settings.
        Preference = "preference", "設定変更", "preference";
        /// Tells what became of something we sent.
        DeliveryReport = "delivery_report", "配信結果", "delivery report";
        /// A machine wrote it: never acted upon, never answered.
        Automatic = "automatic", "自動応答", "automatic";
        /// Something happened to a patient in a hospital.
        ClinicalEvent = "clinical_event", "診療イベント", "clinical event";
        /// Could not be told.
        Unknown = "unknown", "不明", "unknown";
    }
}

words! {
    /// What was proved about the sender of a message.
    Authenticity {
        /// Nothing.
        None = "none", "証明なし", "none";
        /// The sending host may send for the domain (RFC 7208).
        Spf = "spf", "SPF", "SPF";
        /// The domain signed the message (RFC 6376).
        Dkim = "dkim", "DKIM", "DKIM";
        /// SPF or DKIM aligned with From (RFC 7489).
        Dmarc = "dmarc", "DMARC", "DMARC";
        /// A client certificate bound to the interface.
        ClientCertificate = "client_certificate", "クライアント証明書", "client certificate";
        /// A valid API key.
        ApiKey = "api_key", "APIキー", "API key";
        /// A login.
        Login = "login", "ログイン", "login";
        /// A configured network address.
        Network = "network", "接続元", "network";
    }
}

words! {
    /// 本人確認レベル (care-network.md 6.2). Ordered.
    IdentityLevel {
        /// No evidence.
        I0 = "I0", "I0 手がかりなし", "I0 none";
        /// A registered number or address only.
        I1 = "I1", "I1 登録番号のみ", "I1 registered number";
        /// I1 plus a valid reply code, page code, PIN or client certificate.
        I2 = "I2", "I2 返信コードあり", "I2 with reply code";
        /// The office called back on the registered number.
        I3 = "I3", "I3 事務局が折返し確認", "I3 called back";
        /// A login with two factors.
        I4 = "I4", "I4 ログイン", "I4 login";
    }
}

words! {
    /// State of an endpoint.
    EndpointState {
        /// Not yet proved to belong to the facility: receives nothing about a patient.
        Unverified = "unverified", "未確認", "unverified";
        /// 確認済.
        Verified = "verified", "確認済", "verified";
        /// 確認切れ.
        Stale = "stale", "確認切れ", "stale";
        /// 停止.
        Suspended = "suspended", "停止", "suspended";
    }
}

words! {
    /// State of a patient group.
    GroupState {
        /// In use.
        Open = "open", "共有中", "open";
        /// 停止: consent withdrawn or dispute.
        Frozen = "frozen", "停止", "frozen";
        /// 終了: care ended, retention runs.
        Closed = "closed", "終了", "closed";
    }
}

words! {
    /// State of a delivery (care-network.md section 7, channels and delivery).
    DeliveryState {
        /// 送信待機: recall window, digest time or next retry.
        Held = "held", "送信待機", "on hold";
        /// 受渡し済: a provider accepted the job.
        HandedOff = "handed_off", "受渡し済", "handed off";
        /// 送達: the far machine or server took it.
        Delivered = "delivered", "送達", "delivered";
        /// 不達: definite failure.
        Failed = "failed", "不達", "failed";
        /// 送達不明: no result in time.
        Unknown = "unknown", "送達不明", "unknown";
        /// 取消: withdrawn in time.
        Recalled = "recalled", "取消", "recalled";
    }
}

words! {
    /// Whether a delivery goes at once or with others.
    DeliveryMode {
        /// 即時便.
        Instant = "instant", "即時便", "instant";
        /// まとめ便.
        Digest = "digest", "まとめ便", "digest";
    }
}

words! {
    /// E-mail content mode (care-network.md 6.3).
    ContentMode {
        /// A: there is something, no content.
        NoticeOnly = "notice_only", "A 通知のみ", "A notice only";
        /// B: alias and encrypted PDF. The default.
        EncryptedPdf = "encrypted_pdf", "B 呼称+暗号化PDF", "B alias + encrypted PDF";
        /// C: full text, only over enforced TLS under an agreement.
        FullText = "full_text", "C 全文", "C full text";
    }
}

words! {
    /// Right of a login user.
    Role {
        /// 事務局: sees triage, outbox, rules and every group of the network.
        Office = "office", "事務局", "network office";
        /// 施設管理者: the groups of one facility, its roster and endpoints.
        FacilityManager = "facility_manager", "施設管理者", "facility manager";
        /// スタッフ: the groups of one facility.
        Staff = "staff", "スタッフ", "staff member";
    }
}

words! {
    /// Why an attachment is there.
    AttachmentRole {
        /// A file the sender attached.
        Document = "document", "文書", "document";
        /// One page turned into an image.
        PageImage = "page_image", "ページ画像", "page image";
        /// Shown inside the text.
        Inline = "inline", "本文内", "inline";
        /// The received file, byte for byte.
        Source = "source", "受信ファイル", "received file";
        /// A file that is not passed on: macros, programs, kinds that cannot be cleaned. Only the office
        /// sees it (care-network.md 5 row 10).
        Quarantined = "quarantined", "隔離", "quarantined";
    }
}

words! {
    /// Language of a page.
    Locale {
        /// 日本語.
        Ja = "ja", "日本語", "Japanese";
        /// English.
        En = "en", "英語", "English";
    }
}

words! {
    /// What became of an intake.
    IntakeState {
        /// Durable, not yet read.
        Accepted = "accepted", "受付", "accepted";
        /// On a timeline.
        Posted = "posted", "投稿済", "posted";
        /// 仕分け待ち.
        Triage = "triage", "仕分け待ち", "in triage";
        /// 隔離.
        Quarantine = "quarantine", "隔離", "quarantined";
        /// 差戻し.
        Returned = "returned", "差戻し", "returned";
        /// Nothing to do; the reason is kept.
        Discarded = "discarded", "破棄", "discarded";
        /// Recorded without a post (report, status, directory data).
        Recorded = "recorded", "記録のみ", "recorded";
    }
}
