//! Messages as hospitals send them on bad days, and how a helper reads the post: results of all shapes,
//! orders without a dose, answers without text, files that nobody can open, a batch with a broken message.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

#[path = "support/odd.rs"]
mod odd;
mod support;

use kakehashi_core::vocabulary::Urgency;
use odd::{PID, all, body, head, message, order, title};

#[test]
fn values_are_rows_and_what_is_missing_is_said() {
    let read = message(
        "ORU^R01",
        &[
            &order("L1", "生化学", "F"),
            "OBX|1|NM|A^CRP^99L||<0.02|mg/dL|<0.30||||F",
            "OBX|2|NM|B^カリウム^99L||6.8|mEq/L|3.6-4.8|HH|||F",
            "OBX|3|SN|C^抗核抗体^99L||^1^:^80|倍||H|||F",
            "OBX|4|NM|D^TSH^99L||\"\"||||||F",
            "NTE|1||この行は値のない項目の注記",
            "OBX|5|NM|E^FT4^99L||||||||X",
            "OBX|6|NM|F^体温^99L||36.8|Cel|||||F",
        ],
    );
    assert_eq!(title(&read), "検体検査結果（緊急）");
    assert_eq!(read.urgency, Some(Urgency::Emergency));
    let lines = body(&read);
    assert_eq!(
        lines,
        [
            "6月9日8:00の結果が届きました。",
            "カリウム 6.8 mEq/L (HH) 基準 3.6-4.8",
            "抗核抗体 1:80 倍 (H)",
            "CRP <0.02 mg/dL 基準 <0.30",
            "FT4 （結果なし）",
            "体温 36.8 ℃",
        ],
        "a note of an item that is not shown is not hung on another one"
    );
}

#[test]
fn organisms_and_their_sensitivities_stay_together() {
    let second = order("M1-2", "薬剤感受性", "F");
    let read = message(
        "ORU^R01",
        &[
            &order("M1", "一般細菌培養", "F"),
            "OBX|1|CWE|A^同定^99L|1|1312^MRSA^99B||||||F",
            "OBX|2|ST|B^菌量^99L|1|3+||||||F",
            &second,
            "OBX|1|SN|C^ABPC^99L|1|>^8|ug/mL||R|||F",
            "OBX|2|SN|D^VCM^99L|1|<=^1|ug/mL||S|||F",
        ],
    );
    assert_eq!(
        body(&read)[1..],
        [
            "【一般細菌培養】材料: 喀痰",
            "同定 MRSA",
            "菌量 3+",
            "【薬剤感受性】材料: 喀痰",
            "ABPC >8 ug/mL (耐性)",
            "VCM <=1 ug/mL (感性)",
        ]
    );
}

#[test]
fn a_report_keeps_its_lines_and_dates_are_words() {
    let read = message(
        "ORU^R01",
        &[
            &order("R1", "胸部CT", "F"),
            "OBX|1|FT|A^胸部CT^99R||【所見】右下葉に浸潤影。\\.br\\【診断】肺炎疑い||||||F",
            "OBX|2|DT|B^次回検査日^99||20260701||||||F",
            "OBX|3|TM|C^検査時刻^99||0830||||||F",
            "OBX|4|CE|D^判定^99||A^異常あり^99~B^要精査^99||||||F",
        ],
    );
    assert_eq!(title(&read), "胸部CT");
    assert_eq!(
        body(&read)[1..],
        [
            "【所見】右下葉に浸潤影。",
            "【診断】肺炎疑い",
            "次回検査日 2026年7月1日",
            "検査時刻 8:30",
            "判定 異常あり、要精査",
        ]
    );
}

#[test]
fn what_is_taken_back_says_so_and_alarms_nobody_again() {
    for (status, wrong) in [("D", false), ("W", true)] {
        let obx = format!("OBX|1|NM|K^カリウム^99L||6.8|mEq/L|3.6-4.8|HH|||{status}");
        let read = message("ORU^R01", &[&order("L9", "生化学", "F"), &obx]);
        assert_eq!(title(&read), "検体検査結果（取消）");
        assert_eq!(read.urgency, Some(Urgency::Urgent));
        let text = read.body.as_deref().unwrap();
        assert!(text.contains("取消が届きました") && text.contains("（取消）カリウム"), "{text}");
        assert_eq!(read.warnings.iter().any(|w| w.code == "wrong_patient"), wrong);
        assert_eq!(read.event.unwrap().corrects.as_deref(), Some("result:L9"));
    }
}

#[test]
fn an_endless_text_is_cut_and_shown() {
    let long = format!("OBX|1|TX|A^経過^99||{}||||||F", "良好です。".repeat(60_000));
    let txa = "TXA|1|11506-3^経過記録^LN|TX|20260609|||||D1^藤井^貴|||D-28|||||AU||AV";
    let read = message("MDM^T02", &[txa, &long]);
    let text = read.body.as_deref().unwrap();
    assert!(text.contains("良好です。") && text.contains('…') && text.chars().count() < 210_000);
    assert!(read.warnings.iter().any(|w| w.code == "text_too_long"));
}

#[test]
fn drugs_without_a_dose_show_what_is_handed_out() {
    let drugs = [
        "ORC|NW|RX34|||||||20260609",
        "RXE||1^アズノール軟膏^HOT|\"\"||\"\"|||||1|HON^本^MR9P",
        "TQ1|||2B74&外用・塗布・１日４回",
        "NTE|1||患部によく塗る",
    ];
    let read = message("RDE^O11", &drugs);
    assert_eq!(body(&read)[1..], ["・アズノール軟膏 1本 外用・塗布・１日４回", "　※ 患部によく塗る"]);
    let stopped = message("RDE^O11", &["ORC|CA|RX34", "RXE||1^ムコダイン錠^HOT|1||TAB^錠"]);
    assert_eq!(title(&stopped), "処方（取消）");
    assert!(body(&stopped)[0].contains("取り消されました"), "{stopped:?}");
}

#[test]
fn answers_appointments_and_outpatients_read_as_what_they_are() {
    let answer = message("RRI^I12", &["MSA|AA|X1", "RF1|A|R|||GW-1|R-40|20260609"]);
    assert_eq!(body(&answer), ["返事: 受け入れ"]);
    let moved = message(
        "SIU^S13",
        &[
            "SCH|A-25|H-25||||R1^先生の都合|FU^再診^99L||||^^30^202606271000",
            "AIS|1||C1^循環器内科 再診^99L|20260627100000",
            "AIP|1||D0211^藤井^貴",
        ],
    );
    assert_eq!(title(&moved), "外来予約（変更）");
    let lines = body(&moved);
    assert_eq!(lines[0], "山本千代様の外来予約が変わりました。");
    assert!(lines.contains(&"新しい日時: 6月27日10:00") && lines.contains(&"担当: 藤井 貴"), "{lines:?}");
    assert!(lines.contains(&"理由: 先生の都合"), "{lines:?}");
    let outpatient = message("ADT^A03", &["PV1|1|O|外来"]);
    assert_eq!(title(&outpatient), "外来の終わり");
    assert!(outpatient.body.is_none() && outpatient.warnings.iter().any(|w| w.code == "parked_type"));
}

#[test]
fn a_plan_is_found_by_its_time_where_it_has_no_number() {
    let pv2 = "PV2||||||||202606051400";
    let (planned, cancelled) = (message("ADT^A14", &[pv2]), message("ADT^A27", &[pv2]));
    let key = planned.event.unwrap().key;
    assert_eq!(key.as_deref(), Some("stay:planned202606051400:A14"));
    assert_eq!(cancelled.event.unwrap().corrects, key);
}

#[test]
fn a_broken_message_waits_at_its_place_among_the_others() {
    let head = "MSH|^~\\&|HIS|S|GW|C|20260609102000||";
    let file = format!(
        "FHS|^~\\&|HIS\rBHS|^~\\&|HIS\r{head}ADT^A08|1|P|2.5\r{PID}\r{head}|2|P|2.5\r{PID}\r\
         {head}ADT^A08|3|P|2.5\r{PID}\rMSH|bad\rBTS|4\rFTS|1\r"
    );
    let read = all(file.as_bytes());
    let broken: Vec<bool> =
        read.iter().map(|e| e.warnings.iter().any(|w| w.code == "message_unreadable")).collect();
    assert_eq!(broken, [false, true, false, true]);
    assert!(read[1].body.as_deref().unwrap().contains("2通目"), "{:?}", read[1].body);
    assert!(read[1].event.is_none() && read[1].patient.identifiers.is_empty());
}

#[test]
fn era_dates_and_local_signs_of_sex_are_understood() {
    let text = "MSH|^~\\&|HIS|S|GW|C|20260609||ADT^A08|7|P|2.5||||||UNICODE UTF-8\r\
                PID|||412338||山本　千代||S13.4.12|2\r";
    let read = all(text.as_bytes()).remove(0);
    assert_eq!(read.patient.birth_date.as_deref(), Some("1938-04-12"));
    assert_eq!(read.patient.sex.as_deref(), Some("F"));
    assert_eq!(read.patient.names[0].text, "山本 千代");
}

#[test]
fn a_waveform_is_named_and_an_examination_has_its_name() {
    let order = "OBR|1||W14|ECG^心電図^99";
    let wave = message("ORU^W01", &[order, "OBX|1|NA|ECG^波形||1^2^3~4^5^6||||||F"]);
    assert_eq!(title(&wave), "心電図");
    assert!(body(&wave)[1].starts_with("※ 波形は添付していません"), "{wave:?}");
    let echo = message(
        "ORU^R01",
        &[
            "OBR|1||RX28|1^心エコー^99|||20260609",
            "OBX|1|NM|EF^左室駆出率^99||45|%|>50|L|||F",
            "OBX|2|FT|CM^コメント^99||壁運動低下\\.br\\弁膜症なし||||||F",
        ],
    );
    assert_eq!(title(&echo), "心エコー");
    assert_eq!(
        body(&echo)[1..],
        ["左室駆出率 45 % (L) 基準 >50", "【コメント】", "壁運動低下", "弁膜症なし"]
    );
}

#[test]
fn places_are_named_as_the_hospital_names_them() {
    let moved = message("ADT^A02", &["PV1|1|I|7W^701^1^^^N^^^7階西病棟|||5E"]);
    assert!(body(&moved)[0].contains("桜見中央病院7階西病棟へ"), "{moved:?}");
    // Without a stay a repetition is still one happening.
    let bare = |id: &str| {
        let text = format!(
            "MSH|^~\\&|HIS|S|GW|C|20260609||ADT^A03|{id}|P|2.5||||||UNICODE UTF-8\rEVN||202606091020\r{PID}\r"
        );
        all(text.as_bytes()).remove(0).event.unwrap().key
    };
    assert_eq!(bare("1").as_deref(), Some("stay:00412338@202606091020:A03"));
    assert_eq!(bare("1"), bare("2"));
}

#[test]
fn an_update_tells_allergies_or_the_doctor_and_has_no_name() {
    let pv1 = "PV1|1|I|5E||||D1^中村^明^^^^^^^L^^^^^I";
    let al1 = "AL1|1|DA^薬剤|P1^ペニシリン系^99L|SV^重度|発疹";
    let allergy = message("ADT^A08", &[al1]);
    assert_eq!((allergy.title.as_deref(), allergy.urgency), (None, Some(Urgency::Urgent)));
    assert!(allergy.body.unwrap().contains("・ペニシリン系（薬剤、重度、発疹）"));
    assert_eq!(allergy.event.unwrap().key.as_deref(), Some("allergies:00412338"));
    // Each of both has a thread of its own.
    let both = format!("{}\r{PID}\r{pv1}\r{al1}\r", head("ADT^A08"));
    let keys: Vec<_> = all(both.as_bytes()).into_iter().map(|e| e.event.unwrap().key.unwrap()).collect();
    assert_eq!(keys, ["allergies:00412338", "doctor:00412338"]);
    let doctor = message("ADT^A08", &[pv1]);
    assert_eq!(body(&doctor), ["山本千代様の担当医は中村 明医師です。"]);
    assert_eq!(doctor.event.unwrap().key.as_deref(), Some("doctor:00412338"));
    let changed = message("ADT^A54", &[pv1]);
    assert_eq!(title(&changed), "担当医の変更");
    assert!(body(&changed)[0].contains("中村 明医師に変わりました"), "{changed:?}");
    assert_eq!(message("ADT^A31", &[]).body, None);
}

#[test]
fn what_goes_back_for_years_has_its_dates() {
    let read = message(
        "VXU^V04",
        &[
            "ORC|RE",
            "RXA|0|1|20251020||207^インフルエンザHAワクチン^99L|0.5|mL^mL^UCUM|||||||||||||CP",
            "ORC|RE",
            "RXA|0|1|2019||33^肺炎球菌ワクチン^99L|999||||||||||||||CP",
            "ORC|RE",
            "RXA|0|1|20251101||300^新型コロナワクチン^99L|999||||||||||||||RE",
        ],
    );
    let lines = body(&read);
    assert!(lines[0].contains("予防接種の記録"), "{lines:?}");
    let told: Vec<&&str> = lines.iter().filter(|l| l.starts_with('・')).collect();
    assert_eq!(
        told,
        [
            &"・インフルエンザHAワクチン 0.5mL（2025年10月20日）",
            &"・肺炎球菌ワクチン（2019年）",
            &"・新型コロナワクチン（2025年11月1日、拒否）"
        ]
    );
    let read = message(
        "PPR^PC1",
        &[
            "PRB|AD|20260609|I509^うっ血性心不全^I10||||201904|||",
            "PRB|UP|20260609|J189^肺炎^I10||||20260501||20260520",
        ],
    );
    let lines = body(&read);
    assert!(lines.contains(&"・うっ血性心不全（2019年4月から）"), "{lines:?}");
    assert!(lines.contains(&"・肺炎（2026年5月1日から、2026年5月20日に解決）"), "{lines:?}");
}

#[test]
fn of_several_orders_each_says_what_became_of_it() {
    let xray = "OBR|1|A1||XR^胸部X線撮影^99L";
    let echo = "OBR|2|A2||UC^心臓超音波^99L";
    let read = message("OMG^O19", &["ORC|NW|A1", xray, "ORC|CA|A2", echo]);
    let lines = body(&read);
    assert!(lines.contains(&"・胸部X線撮影") && lines.contains(&"・心臓超音波（取消）"), "{lines:?}");
    assert_eq!(title(&read), "検査・処置の依頼");
    let read = message("OMG^O19", &["ORC|CA|A2", echo]);
    assert_eq!(title(&read), "検査・処置の依頼（取消）");
    assert!(body(&read).contains(&"・心臓超音波"), "the heading says it");
}

#[test]
fn what_is_measured_at_the_bedside_is_called_what_it_is() {
    let glucose =
        message("ORU^R31", &[&order("G1", "血糖測定", "F"), "OBX|1|NM|BG^血糖^99L||182|mg/dL|70-109|H|||F"]);
    assert_eq!(title(&glucose), "血糖測定");
    let vitals =
        message("ORU^R32", &[&order("G2", "定時測定", "F"), "OBX|1|NM|8867-4^脈拍^LN||98|/min|50-90|H|||F"]);
    assert_eq!(title(&vitals), "バイタル");
    let unnamed = message("ORU^R30", &["OBX|1|NM|X^体重^99L||48.2|kg|||||F"]);
    assert_eq!(title(&unnamed), "バイタル");
}

#[test]
fn an_appointment_of_a_newer_version_has_its_time_elsewhere() {
    let read = message(
        "SIU^S12",
        &[
            "SCH|1|R7||||定期|^心不全外来",
            "TQ1|1||||||20260616090000",
            "RGS|1|A",
            "AIS|1|A|UC^心臓超音波^99L",
        ],
    );
    let lines = body(&read);
    assert!(lines.contains(&"日時: 6月16日9:00"), "{lines:?}");
}

#[test]
fn a_message_that_does_not_say_what_happened_waits() {
    let read = message("ADT", &["PV1|1|I|5E"]);
    assert!(read.warnings.iter().any(|w| w.code == "missing_event"), "{:?}", read.warnings);
    assert!(read.warnings.iter().any(|w| w.code == kakehashi_core::decide::doubt::PAGES_UNREADABLE));
}

#[test]
fn how_a_drug_is_used_stays_with_that_drug() {
    // OMP tells it before the drug, RDE behind it.
    let before = message(
        "OMP^O09",
        &[
            "ORC|NW|O1",
            "TQ1|1||^毎食後||||||||",
            "RXO|^アムロジピン錠5mg|1||^錠",
            "ORC|NW|O2",
            "TQ1|1||^就寝前",
            "RXO|^センノシド錠12mg|2||^錠",
            "NTE|1||便の様子を見て",
        ],
    );
    let lines = body(&before);
    assert!(lines.contains(&"・アムロジピン錠5mg 1錠 毎食後"), "{lines:?}");
    assert!(lines.contains(&"・センノシド錠12mg 2錠 就寝前"), "{lines:?}");
    let behind = message(
        "RDE^O11",
        &[
            "ORC|NW|O1",
            "RXE||^アムロジピン錠5mg|1||^錠",
            "TQ1|1||^毎食後",
            "ORC|CA|O2",
            "RXE||^センノシド錠12mg|2||^錠",
            "TQ1|1||^就寝前",
        ],
    );
    assert_eq!(title(&behind), "処方", "one of two");
    let lines = body(&behind);
    assert!(lines.contains(&"・アムロジピン錠5mg 1錠 毎食後"), "{lines:?}");
    assert!(lines.contains(&"・センノシド錠12mg 2錠（取消） 就寝前"), "{lines:?}");
}

#[test]
fn codes_of_allergies_are_words() {
    let read = message("ADT^A60", &["IAM|1|FA|^そば|SV|息苦しさ", "IAM|2|DA^医薬品|^ペニシリン|MO"]);
    let lines = body(&read);
    assert!(lines.contains(&"・そば（食物、重度、息苦しさ）"), "{lines:?}");
    assert!(lines.contains(&"・ペニシリン（医薬品、中等度）"), "{lines:?}");
}

#[test]
fn a_panic_value_is_urgent_however_it_is_written() {
    let urgency = |flag: &str, note: &str| {
        let obx = format!("OBX|1|NM|H^ヘモグロビン^99L||5.1|g/dL|11.6-14.8|{flag}|||F");
        message("ORU^R01", &[&order("L1", "血算", "F"), &obx, &format!("NTE|1||{note}")]).urgency
    };
    for (flag, note) in [("ll", ""), ("L~LL", ""), ("L", "ﾊﾟﾆｯｸ値です"), ("L", "パニック値に該当します")]
    {
        assert_eq!(urgency(flag, note), Some(Urgency::Emergency), "{flag} {note}");
    }
    for (flag, note) in [("L", ""), ("L", "パニック値ではありません"), ("L", "パニック値に該当しない")]
    {
        assert_eq!(urgency(flag, note), Some(Urgency::Normal), "{flag} {note}");
    }
}

#[test]
fn a_discharge_with_death_in_any_code_has_no_words() {
    for disposition in ["20", "21", "41", "死亡", "^死亡退院"] {
        let pv1 = format!("PV1|1|I|5E{}{disposition}", "|".repeat(33));
        let read = message("ADT^A03", &[&pv1]);
        assert!(read.body.is_none() && read.title.is_none(), "{disposition}: {:?}", read.body);
        assert!(
            read.warnings.iter().any(|w| w.code == kakehashi_core::decide::doubt::DEATH),
            "{disposition}"
        );
    }
}
