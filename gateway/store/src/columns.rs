//! Column lists of the rows that several statements join, each with the reader that takes them in the
//! same order. The alias of each table is fixed: `n` networks, `f` facilities, `e` endpoints,
//! `p` patients, `g` patient groups, `t` posts, `a` attachments, `k` acknowledgements.

use crate::StoreError;
use crate::row::Reader;
use kakehashi_core::directory::{Endpoint, Facility, Network, Patient, PatientGroup};
use kakehashi_core::post::{Acknowledgement, Post, PostKind, StoredAttachment};
use kakehashi_core::vocabulary::{
    AttachmentRole, Channel, EndpointState, GroupState, IdentityLevel, ReplyExpectation, Urgency,
};

pub(crate) const NETWORK: &str = "n.network_id, n.name, n.office_name, n.office_phone, n.office_hours, \
    n.gateway_fax, n.mail_domain, n.public_url";

pub(crate) fn read_network(r: &mut Reader<'_>) -> Result<Network, StoreError> {
    Ok(Network {
        id: r.id()?,
        name: r.text()?,
        office_name: r.text()?,
        office_phone: r.text()?,
        office_hours: r.text()?,
        gateway_fax: r.text()?,
        mail_domain: r.text()?,
        public_url: r.text()?,
    })
}

pub(crate) const FACILITY: &str = "f.facility_id, f.name, f.short_name, f.facility_type, f.phone, \
    f.business_hours, f.is_network_office";

pub(crate) fn read_facility(r: &mut Reader<'_>) -> Result<Facility, StoreError> {
    Ok(Facility {
        id: r.id()?,
        name: r.text()?,
        short_name: r.text()?,
        facility_type: r.text()?,
        phone: r.opt_text()?,
        business_hours: r.json(("facilities", "business_hours"))?,
        is_network_office: r.bool()?,
    })
}

pub(crate) const ENDPOINT: &str = "e.endpoint_id, e.facility_id, e.channel, e.address, e.state, e.settings";

pub(crate) fn read_endpoint(r: &mut Reader<'_>) -> Result<Endpoint, StoreError> {
    Ok(Endpoint {
        id: r.id()?,
        facility_id: r.id()?,
        channel: r.code(("endpoints", "channel"), Channel::from_code)?,
        address: r.text()?,
        state: r.code(("endpoints", "state"), EndpointState::from_code)?,
        settings: r.json(("endpoints", "settings"))?,
    })
}

pub(crate) const PATIENT: &str = "p.patient_id, p.name, p.kana, p.birth_date, p.sex, p.summary";

pub(crate) fn read_patient(r: &mut Reader<'_>) -> Result<Patient, StoreError> {
    Ok(Patient {
        id: r.id()?,
        name: r.text()?,
        kana: r.text()?,
        birth_date: r.opt_text()?,
        sex: r.opt_text()?,
        summary: r.opt_text()?,
    })
}

pub(crate) const GROUP: &str = "g.group_id, g.patient_id, g.alias, g.address, g.state";

pub(crate) fn read_group(r: &mut Reader<'_>) -> Result<PatientGroup, StoreError> {
    Ok(PatientGroup {
        id: r.id()?,
        patient_id: r.id()?,
        alias: r.text()?,
        address: r.text()?,
        state: r.code(("patient_groups", "state"), GroupState::from_code)?,
    })
}

pub(crate) const POST: &str = "t.post_id, t.group_id, t.topic_id, t.kind, t.corrects, t.version, \
    t.facility_id, t.staff_id, t.author_name, t.proxy, t.channel, t.urgency, t.expectation, t.due_at, \
    t.title, t.body, t.quoted, t.signature, t.document_kind, t.occurred_at, t.received_at, t.posted_at, \
    t.intake_id, t.event_key, t.decided_by, t.liaison";

/// Addressees are rows of their own and are added by whoever loads posts.
pub(crate) fn read_post(r: &mut Reader<'_>) -> Result<Post, StoreError> {
    Ok(Post {
        id: r.id()?,
        group_id: r.id()?,
        topic_id: r.id()?,
        kind: r.code(("posts", "kind"), PostKind::from_code)?,
        corrects: r.opt_id()?,
        version: r.count()?,
        facility_id: r.id()?,
        staff_id: r.opt_id()?,
        author_name: r.opt_text()?,
        proxy: r.opt_text()?,
        channel: r.code(("posts", "channel"), Channel::from_code)?,
        urgency: r.code(("posts", "urgency"), Urgency::from_code)?,
        expectation: r.code(("posts", "expectation"), ReplyExpectation::from_code)?,
        due_at: r.opt_time()?,
        title: r.opt_text()?,
        body: r.text()?,
        quoted: r.opt_text()?,
        signature: r.opt_text()?,
        document_kind: r.opt_text()?,
        occurred_at: r.opt_time()?,
        received_at: r.time()?,
        posted_at: r.time()?,
        intake_id: r.opt_id()?,
        event_key: r.opt_text()?,
        decided_by: r.text()?,
        addressees: Vec::new(),
        liaison: r.opt_json(("posts", "liaison"))?.unwrap_or_default(),
    })
}

pub(crate) const ATTACHMENT: &str = "a.attachment_id, a.intake_id, a.post_id, a.position, a.role, \
    a.name, a.media_type, a.size_bytes, a.content_hash, a.pages";

pub(crate) fn read_attachment(r: &mut Reader<'_>) -> Result<StoredAttachment, StoreError> {
    Ok(StoredAttachment {
        id: r.id()?,
        intake_id: r.opt_id()?,
        post_id: r.opt_id()?,
        position: r.count()?,
        role: r.code(("attachments", "role"), AttachmentRole::from_code)?,
        name: r.opt_text()?,
        media_type: r.text()?,
        size_bytes: r.size()?,
        content_hash: r.hash(("attachments", "content_hash"))?,
        pages: r.opt_int()?.and_then(|n| u32::try_from(n).ok()),
    })
}

pub(crate) const ACKNOWLEDGEMENT: &str = "k.post_id, k.facility_id, k.staff_id, k.person_name, \
    k.channel, k.acknowledged_at, k.identity_level, k.intake_id, k.delivery_id, k.proxy";

pub(crate) fn read_acknowledgement(r: &mut Reader<'_>) -> Result<Acknowledgement, StoreError> {
    Ok(Acknowledgement {
        post_id: r.id()?,
        facility_id: r.id()?,
        staff_id: r.opt_id()?,
        person_name: r.opt_text()?,
        channel: r.code(("acknowledgements", "channel"), Channel::from_code)?,
        acknowledged_at: r.time()?,
        identity_level: r.code(("acknowledgements", "identity_level"), IdentityLevel::from_code)?,
        intake_id: r.opt_id()?,
        delivery_id: r.opt_id()?,
        proxy: r.opt_text()?,
    })
}

/// Whether a consent for the patient of group `g` covers the facility in column `facility` at the time
/// of parameter `now`.
pub(crate) fn consented(facility: &str, now: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM consents c JOIN consent_facilities cf \
            ON cf.network_id = c.network_id AND cf.consent_id = c.consent_id \
            WHERE c.network_id = g.network_id AND c.patient_id = g.patient_id \
              AND cf.facility_id = {facility} \
              AND c.valid_from <= {now} AND (c.valid_until IS NULL OR c.valid_until > {now}))"
    )
}

/// As [`consented`], and by the way in column or parameter `channel`. A channel is a word of a closed
/// list, so it can be looked for between its quotation marks.
pub(crate) fn consented_by(facility: &str, channel: &str, now: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM consents c JOIN consent_facilities cf \
            ON cf.network_id = c.network_id AND cf.consent_id = c.consent_id \
            WHERE c.network_id = g.network_id AND c.patient_id = g.patient_id \
              AND cf.facility_id = {facility} \
              AND (c.channels = '[]' OR c.channels LIKE '%\"' || {channel} || '\"%') \
              AND c.valid_from <= {now} AND (c.valid_until IS NULL OR c.valid_until > {now}))"
    )
}

/// Whether the facility in `facility` treats the patient of group `g` under a confirmed number of its own:
/// with a consent that covers it, it may be written to without being a member.
pub(crate) fn corresponds(facility: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM patient_identifiers xx WHERE xx.network_id = g.network_id \
            AND xx.facility_id = {facility} AND xx.patient_id = g.patient_id AND xx.state = 'confirmed')"
    )
}

/// Whether the facility in `facility` is a member of group `g` at `now`.
pub(crate) fn is_member(facility: &str, now: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM memberships mm WHERE mm.network_id = g.network_id \
            AND mm.group_id = g.group_id AND mm.facility_id = {facility} \
            AND mm.since <= {now} AND (mm.ended_at IS NULL OR mm.ended_at > {now}))"
    )
}
