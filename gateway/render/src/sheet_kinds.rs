//! One printed example of every kind of sheet together with what can be read on it, for whoever wants to
//! try the loop from outside: pages as they would leave, of invented people. A new kind is one more
//! line here; nothing of this is ever sent.

use crate::fault::RenderFault;
use crate::renderer::Renderer;
use crate::samples;
use kakehashi_core::job::DeliveryJob;
use kakehashi_core::sheet_geometry::SheetLayout;
use kakehashi_core::vocabulary::Channel;

/// A printed sheet and its layout.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleSheet {
    /// What can be read on it; its tokens are those of this very page.
    pub layout: SheetLayout,
    /// The pages as they would leave.
    pub pdf: Vec<u8>,
    /// Page of the PDF that carries the sheet, from 1.
    pub page: u32,
}

impl Renderer {
    /// Every kind of sheet once.
    ///
    /// # Errors
    /// As [`Renderer::render`]: the program itself is wrong.
    pub fn sample_sheets(&self) -> Result<Vec<SampleSheet>, RenderFault> {
        let posts = [
            ("reply", samples::discharge(Channel::Fax)),
            ("untouched", samples::untouched(Channel::Fax)),
            ("digest", samples::digest(Channel::Fax)),
        ];
        posts
            .into_iter()
            .chain(samples::sheets())
            .filter_map(|(kind, job)| self.sample_sheet(kind, &job).transpose())
            .collect()
    }

    /// The sheet lies on the last page of a delivery; pages that only tell something have none.
    fn sample_sheet(&self, kind: &str, job: &DeliveryJob) -> Result<Option<SampleSheet>, RenderFault> {
        let made = self.sheet_pdf(job)?;
        let Some(mut layout) = self.sheet_layout(job, made.pages) else { return Ok(None) };
        kind.clone_into(&mut layout.kind);
        Ok(Some(SampleSheet { layout, pdf: made.pdf, page: made.pages }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_codes_and_boxes_on_the_page() {
        let sheets = Renderer::new().unwrap().sample_sheets().unwrap();
        for sheet in &sheets {
            assert!(sheet.layout.is_sane() && sheet.pdf.starts_with(b"%PDF"), "{}", sheet.layout.kind);
            assert_eq!(sheet.layout.tokens.len(), 2, "{}", sheet.layout.kind);
        }
        let reply = sheets.iter().find(|s| s.layout.kind == "reply").unwrap();
        let name = reply.layout.boxes.iter().find(|b| b.id == "staff_1").unwrap();
        assert_eq!(name.label, "高梨 由美子");
        let kinds: std::collections::BTreeSet<_> = sheets.iter().map(|s| &s.layout.kind).collect();
        assert_eq!(kinds.len(), sheets.len(), "two kinds of the same name");
    }
}
