//! The windows that have names on this server, and whether others may be asked for.

use std::sync::Arc;

use noctis_shared::{
    presets::Presets,
    request::{Voi, VoiFunction, Window},
    submit::view,
};

use crate::problem::{Kind, Problem};

/// Presets, and the rule about windows without a name.
#[derive(Debug, Clone)]
pub(crate) struct NamedWindows {
    presets: Arc<Presets>,
    free: bool,
}

impl NamedWindows {
    /// These presets, and whether other windows are `free` to be asked for.
    pub(crate) fn new(presets: Arc<Presets>, free: bool) -> Self {
        Self { presets, free }
    }

    /// Every preset.
    pub(crate) fn presets(&self) -> &Presets {
        &self.presets
    }

    /// Whether windows without a name may be asked for.
    pub(crate) fn are_free(&self) -> bool {
        self.free
    }

    /// The view with this name, and the name.
    ///
    /// # Errors
    /// A problem for a name of no view.
    pub(crate) fn view(
        &self,
        name: &str,
        function: Option<VoiFunction>,
    ) -> Result<(Voi, &'static str), Problem> {
        view::named(&self.presets, name, function).ok_or_else(|| {
            Problem::parameter("preset", "there is no such preset").with("presets", self.names())
        })
    }

    /// # Errors
    /// 403 for a window that is no preset's, where only these may be asked for.
    pub(crate) fn check(&self, window: &Window) -> Result<(), Problem> {
        if self.free || self.presets.have(window) {
            return Ok(());
        }
        let detail = "This server shows images under presets alone.";
        Err(Problem::new(Kind::WindowNotAllowed, detail).with("presets", self.names()))
    }

    fn names(&self) -> Vec<&'static str> {
        view::names(&self.presets).collect()
    }
}

/// Those of the program, and any window.
impl Default for NamedWindows {
    fn default() -> Self {
        Self::new(Arc::default(), true)
    }
}
