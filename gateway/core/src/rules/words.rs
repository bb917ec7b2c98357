//! Words for the codes that rules name: facility types and professions of the master lists and the
//! document kinds of care-network.md section 3. An association may extend these lists, so a code
//! that is not here is allowed in a rule and shown as it is; it never makes a rule invalid.

/// A code with the words shown for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Code.
    pub code: &'static str,
    /// Japanese word.
    pub ja: &'static str,
    /// English word.
    pub en: &'static str,
}

const fn word(code: &'static str, ja: &'static str, en: &'static str) -> Word {
    Word { code, ja, en }
}

/// The Japanese word for a code of `list`, the code itself if it is not in the list.
#[must_use]
pub fn ja<'a>(list: &[Word], code: &'a str) -> &'a str {
    list.iter().find(|w| w.code == code).map_or(code, |w| w.ja)
}

/// The English word for a code of `list`, the code itself if it is not in the list.
#[must_use]
pub fn en<'a>(list: &[Word], code: &'a str) -> &'a str {
    list.iter().find(|w| w.code == code).map_or(code, |w| w.en)
}

/// 施設種別.
pub const FACILITY_TYPES: &[Word] = &[
    word("hospital", "病院", "Hospital"),
    word("medical_clinic", "医科診療所", "Medical clinic"),
    word("dental_clinic", "歯科診療所", "Dental clinic"),
    word("pharmacy", "保険薬局", "Insurance pharmacy"),
    word("bonesetting_acupuncture_clinic", "接骨院・鍼灸院", "Bonesetting / acupuncture clinic"),
    word("community_support_center", "地域包括支援センター", "Community general support centre"),
    word("home_nursing_station", "訪問看護ステーション", "Home-visit nursing station"),
    word("care_management_office", "居宅介護支援事業所", "In-home care management office"),
    word("home_help_office", "訪問介護事業所", "Home-help"),
    word("home_rehabilitation", "訪問リハビリテーション", "Home-visit rehabilitation"),
    word("day_service", "通所介護", "Day service centre"),
    word("day_rehabilitation", "通所リハビリテーション", "Day rehabilitation centre"),
    word("short_stay_medical", "短期入所療養介護", "Short-stay with medical care"),
    word("short_stay_daily", "短期入所生活介護", "Short-stay for daily life care"),
    word("dementia_group_home", "グループホーム", "Group home for people with dementia"),
    word("geriatric_health_facility", "介護老人保健施設", "Long-term care health facility"),
    word("special_nursing_home", "介護老人福祉施設", "Special nursing home"),
    word("sanatorium_care_facility", "介護療養型医療施設", "Sanatorium-type medical care facility"),
    word("small_multifunctional_home", "小規模多機能ホーム", "Small-scale multifunctional home care"),
    word("protective_home_for_elderly", "養護老人ホーム", "Protective home for the elderly"),
    word("low_cost_home_a", "軽費老人ホームA型", "Low-cost home for the elderly, type A"),
    word("low_cost_home_b", "軽費老人ホームB型", "Low-cost home for the elderly, type B"),
    word("low_cost_home_c", "軽費老人ホームC型（ケアハウス）", "Low-cost home for the elderly, type C"),
    word("private_home_with_care", "介護付有料老人ホーム", "Private residential home, care included"),
    word("private_home_residential", "住宅型有料老人ホーム", "Private residential home, residential type"),
    word("private_home_healthy", "健康型有料老人ホーム", "Private residential home, healthy type"),
    word("other", "その他", "Other"),
    word("unset", "未設定", "Not set"),
];

/// 職種.
pub const PROFESSIONS: &[Word] = &[
    word("physician", "医師", "Physician"),
    word("dentist", "歯科医師", "Dentist"),
    word("dental_hygienist", "歯科衛生士", "Dental hygienist"),
    word("pharmacist", "薬剤師", "Pharmacist"),
    word("nurse", "看護師", "Registered nurse"),
    word("assistant_nurse", "准看護師", "Assistant"),
    word("care_manager", "ケアマネジャー", "Care manager"),
    word("registered_dietitian", "管理栄養士", "Registered dietitian"),
    word("dietitian", "栄養士", "Dietitian"),
    word("physical_therapist", "理学療法士", "Physical therapist"),
    word("occupational_therapist", "作業療法士", "Occupational therapist"),
    word("speech_therapist", "言語聴覚士", "Speech-language-hearing therapist"),
    word("orthoptist", "視能訓練士", "Orthoptist"),
    word("certified_social_worker", "社会福祉士", "Certified social worker"),
    word("mental_health_social_worker", "精神保健福祉士", "Mental health social worker"),
    word("certified_care_worker", "介護福祉士", "Certified care worker"),
    word("home_helper", "訪問介護員・ヘルパー", "Home helper"),
    word("prosthetist_orthotist", "義肢装具士", "Prosthetist and orthotist"),
    word("public_health_nurse", "保健師", "Public health nurse"),
    word("medical_social_worker", "医療ソーシャルワーカー", "Medical social worker"),
    word("medical_coordinator", "医療コーディネーター", "Medical coordinator"),
    word("consultation_support_specialist", "相談支援専門員", "Consultation support specialist"),
    word("clinical_psychologist", "臨床心理士", "Clinical psychologist"),
    word("radiological_technologist", "診療放射線技師", "Radiological technologist"),
    word("clinical_laboratory_technologist", "臨床検査技師", "Clinical laboratory technologist"),
    word("clinical_engineer", "臨床工学技士", "Clinical engineer"),
    word("acupuncturist", "はり師", "Acupuncturist"),
    word("moxibustionist", "きゅう師", "Moxibustion practitioner"),
    word("massage_shiatsu_practitioner", "あん摩マッサージ指圧師", "Anma, massage and shiatsu practitioner"),
    word("judo_therapist", "柔道整復師", "Judo therapist"),
    word("midwife", "助産師", "Midwife"),
    word("paramedic", "救急救命士", "Emergency life-saving technician"),
    word("nursing_aide", "看護助手", "Nursing aide"),
    word("facility_staff", "施設職員", "Facility staff"),
    word("dental_assistant", "歯科助手", "Dental assistant"),
    word("dental_technician", "歯科技工士", "Dental technician"),
    word("health_officer", "衛生管理者", "Health officer"),
    word("chief_care_manager", "主任介護支援専門員", "Chief care manager"),
    word("assistive_equipment_advisor", "福祉用具専門相談員", "Assistive-equipment advisor"),
    word("health_information_manager", "診療情報管理士", "Health information manager"),
    word("medical_clerk", "医療事務", "Medical clerk"),
    word("medical_association_staff", "医師会職員", "Medical association staff"),
    word("local_government_staff", "地方自治体職員", "Local government staff"),
    word("other_or_unset", "その他・未設定", "Other / not set"),
];

/// 文書種別.
pub const DOCUMENT_KINDS: &[Word] = &[
    word("admission_info_sheet", "入院時情報提供書", "admission information sheet"),
    word("admission_notice", "入院のお知らせ", "admission notice"),
    word("discharge_info_record", "退院・退所情報記録書", "discharge information record"),
    word("conference_notice", "退院前カンファレンス案内", "pre-discharge conference notice"),
    word("referral_letter", "診療情報提供書", "referral letter"),
    word("discharge_summary", "退院時サマリー", "discharge summary"),
    word("nursing_order", "訪問看護指示書", "nursing order"),
    word("nursing_plan_report", "訪問看護計画書・報告書", "nursing plan or report"),
    word("doctor_cm_note", "主治医・介護支援専門員連絡票", "doctor and care manager note"),
    word("service_meeting_notice", "サービス担当者会議の開催案内", "service meeting notice"),
    word("service_meeting_inquiry", "サービス担当者会議の照会", "service meeting inquiry"),
    word("care_plan", "ケアプラン", "care plan"),
    word("service_slip", "サービス提供票", "service slip"),
    word("tracing_report", "トレーシングレポート", "tracing report"),
    word("prescription_inquiry", "疑義照会", "prescription inquiry"),
    word("prescription_preview", "処方箋の事前送信", "prescription sent ahead"),
    word("home_guidance_report", "居宅療養管理指導の報告", "home guidance report"),
    word("doctor_opinion", "主治医意見書", "doctor's opinion"),
    word("status_change", "状態変化の連絡", "change of state"),
    word("accident_report", "事故報告", "accident report"),
    word("notebook_page", "連絡ノート", "notebook page"),
    word("same_day_cancel", "当日中止", "same-day cancellation"),
    word("equipment_note", "福祉用具の納品・変更", "equipment note"),
    word("end_of_service", "担当終了", "end of service"),
    word("staff_change_notice", "異動届", "staff change notice"),
];

/// Trigger events of HL7 that reach a network office every day.
pub const TRIGGERS: &[Word] = &[
    word("A01", "入院", "admission"),
    word("A02", "転棟", "transfer"),
    word("A03", "退院", "discharge"),
    word("A04", "外来受付", "registration"),
    word("A08", "患者情報の更新", "update of patient data"),
    word("A11", "入院の取消", "admission cancelled"),
    word("A12", "転棟の取消", "transfer cancelled"),
    word("A13", "退院の取消", "discharge cancelled"),
    word("A14", "入院予定", "pending admission"),
    word("A16", "退院予定", "pending discharge"),
    word("A21", "外泊", "leave of absence"),
    word("A22", "外泊からの帰院", "return from leave"),
    word("A40", "患者番号の統合", "merge of patients"),
    word("R01", "検査結果", "result"),
    word("T02", "文書", "document"),
    word("T04", "文書の状態変更", "change of document state"),
    word("T06", "文書の追記", "addendum"),
    word("T08", "文書の修正", "edit of document"),
    word("T10", "文書の差替え", "replacement of document"),
    word("T11", "文書の取消", "document cancelled"),
];
