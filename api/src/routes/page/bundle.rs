//! A module and all that it imports as one: each in a function of its own, those before that others take from.
//!
//! It knows the imports and exports that the files of the page are written with, a line each, and refuses others.

use std::fmt::Write;

/// Why a module cannot be put together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BundleError {
    #[error("there is no module {0}")]
    Unknown(String),
    #[error("{0} imports what imports it")]
    Cycle(String),
    #[error("{module}: {line} is no import or export that is known")]
    Line { module: String, line: String },
}

/// The module `entry` of these files, with those that it imports.
///
/// # Errors
/// [`BundleError`] for an import that is not there, or goes around in a circle, and for a line that is not understood.
pub(super) fn of(entry: &str, files: &[(&str, &str)]) -> Result<String, BundleError> {
    let mut bundle = Bundle { files, text: String::new(), done: Vec::new(), begun: Vec::new() };
    bundle.add(entry)?;
    Ok(bundle.text)
}

struct Bundle<'a> {
    files: &'a [(&'a str, &'a str)],
    text: String,
    /// Modules that stand in the text.
    done: Vec<String>,
    /// Those whose imports are being added.
    begun: Vec<String>,
}

impl Bundle<'_> {
    fn add(&mut self, module: &str) -> Result<(), BundleError> {
        if self.done.iter().any(|done| done == module) {
            return Ok(());
        }
        if self.begun.iter().any(|begun| begun == module) {
            return Err(BundleError::Cycle(module.to_owned()));
        }
        let source = self.files.iter().find(|(name, _)| *name == module);
        let (_, source) = source.ok_or_else(|| BundleError::Unknown(module.to_owned()))?;
        self.begun.push(module.to_owned());
        let (mut body, mut exported) = (String::new(), Vec::new());
        for line in source.lines() {
            let unknown = || BundleError::Line { module: module.to_owned(), line: line.to_owned() };
            let written = if line.starts_with("import ") {
                let (names, from) = import(line).ok_or_else(unknown)?;
                self.add(from)?;
                format!("const {names} = {};", variable(from))
            } else if let Some(value) = line.strip_prefix("export default ") {
                exported.push("default: theDefault".to_owned());
                format!("const theDefault = {value}")
            } else if let Some(declaration) = line.strip_prefix("export ") {
                exported.push(declared(declaration).ok_or_else(unknown)?.to_owned());
                declaration.to_owned()
            } else {
                line.to_owned()
            };
            body.push_str(&written);
            body.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.text,
            "// {module}\nconst {} = (() => {{\n{body}return {{ {} }};\n}})();",
            variable(module),
            exported.join(", ")
        );
        self.begun.pop();
        self.done.push(module.to_owned());
        Ok(())
    }
}

/// `import { a, b as c } from "./x.js";` and `import a from "./x.js";` as a pattern, and the module.
fn import(line: &str) -> Option<(String, &str)> {
    let (names, from) = line.strip_prefix("import ")?.split_once(" from \"./")?;
    let from = from.strip_suffix("\";")?;
    let is_list = names.starts_with('{') && names.ends_with('}');
    let names = if is_list { names.replace(" as ", ": ") } else { format!("{{ default: {names} }}") };
    Some((names, from))
}

/// The name of what is declared.
fn declared(declaration: &str) -> Option<&str> {
    let kinds = ["const ", "async function* ", "async function ", "function* ", "function ", "class "];
    let named = kinds.iter().find_map(|kind| declaration.strip_prefix(kind))?;
    let end = named.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$')?;
    (end > 0).then(|| &named[..end])
}

fn variable(module: &str) -> String {
    format!("${}", module.replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_module_stands_once_before_those_that_take_from_it() {
        let files = [
            (
                "a.js",
                "import { two } from \"./b.js\";\nimport { one as first } from \"./c.js\";\nconsole.log(two, first);\n",
            ),
            (
                "b.js",
                "import { one } from \"./c.js\";\nimport words from \"./d.js\";\nexport const two = one + words.x;\n",
            ),
            ("c.js", "export function one() {}\nexport class Three {\n}\n"),
            ("d.js", "export default {\n  x: 1,\n};\n"),
        ];
        let expected = "\
// c.js
const $c_js = (() => {
function one() {}
class Three {
}
return { one, Three };
})();
// d.js
const $d_js = (() => {
const theDefault = {
  x: 1,
};
return { default: theDefault };
})();
// b.js
const $b_js = (() => {
const { one } = $c_js;
const { default: words } = $d_js;
const two = one + words.x;
return { two };
})();
// a.js
const $a_js = (() => {
const { two } = $b_js;
const { one: first } = $c_js;
console.log(two, first);
return {  };
})();
";
        assert_eq!(of("a.js", &files).as_deref(), Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let unknown = |line: &str| of("a.js", &[("a.js", line)]).expect_err("refused").to_string();
        for line in [
            "import \"./b.js\";",
            "import * as b from \"../b.js\";",
            "export { a };",
            "export let a = 1;",
            "export const { a } = b;",
        ] {
            assert!(unknown(line).contains("is no import or export that is known"), "{line}");
        }
        assert_eq!(unknown("import { b } from \"./b.js\";"), "there is no module b.js");
        let around = [("a.js", "import { b } from \"./b.js\";"), ("b.js", "import { a } from \"./a.js\";")];
        assert_eq!(of("a.js", &around), Err(BundleError::Cycle("a.js".to_owned())));
    }
}
