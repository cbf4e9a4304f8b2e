//! Which source file of the workspace imports which other one, read from `use` items and from paths written out in the code.
//! It leaves which imports are right to `tests/tests/house.rs`. Code under `#[cfg(test)]` is not read, nor are the arguments of macros.
#![expect(clippy::panic, reason = "this is test code, and a file that cannot be read is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree};

/// A file, by its path below the root of the workspace, with `/` between folders.
pub type File = String;

/// Each file with the files that it imports, and what it takes from each.
pub type Imports = BTreeMap<File, BTreeMap<File, BTreeSet<String>>>;

/// Reads the crates whose root files (`lib.rs`, `main.rs`) are given. Imports from one crate into another are left out: the manifests
/// hold these to an order.
pub fn read(workspace: &Path, roots: &[&str]) -> Imports {
    let mut imports = Imports::new();
    for root in roots {
        let krate = Crate::read(workspace, root);
        for (path, module) in &krate.modules {
            let found = imports.entry(module.file.clone()).or_default();
            for name in &module.names {
                let Some((file, item)) = krate.resolve(path, name) else { continue };
                if file != module.file {
                    found.entry(file).or_default().insert(item);
                }
            }
        }
    }
    imports
}

/// The groups of files that import each other in a circle, the largest first.
pub fn circles(imports: &Imports) -> Vec<Vec<File>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|file| (file.as_str(), reach(imports, file))).collect();
    let mut circles = BTreeSet::new();
    for (file, reachable) in &reached {
        let circle: Vec<File> = reachable
            .iter()
            .filter(|other| reached.get(*other).is_some_and(|back| back.contains(file)))
            .map(|file| (*file).to_owned())
            .collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    let mut circles: Vec<_> = circles.into_iter().collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

/// The files that a file imports, and those that these import, and so on.
fn reach<'a>(imports: &'a Imports, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        for next in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    reached
}

/// A module's path from the root of its crate.
type ModulePath = Vec<String>;

/// A crate: its modules by path; the root's path is empty.
struct Crate {
    modules: BTreeMap<ModulePath, Module>,
}

/// A module that has a file of its own, with the inline modules in it.
struct Module {
    file: File,
    /// Paths as they are written: those of `use` items, and those in code that begin with `crate`, `self`, `super` or a child module.
    names: BTreeSet<Vec<String>>,
    /// Names that it hands on, each with where they come from as written.
    reexports: BTreeMap<String, Vec<String>>,
}

impl Crate {
    fn read(workspace: &Path, root: &str) -> Crate {
        let mut modules = BTreeMap::new();
        let mut open = vec![(ModulePath::new(), workspace.join(root))];
        while let Some((path, file)) = open.pop() {
            let reader = Reader::read(&file);
            let folder =
                if path.is_empty() { file.parent().map(Path::to_owned) } else { Some(file.with_extension("")) };
            for child in &reader.children {
                let below = folder.as_deref().map(|folder| child_file(folder, child)).filter(|file| file.exists());
                if let Some(below) = below {
                    open.push(([path.clone(), vec![child.clone()]].concat(), below));
                }
            }
            let file = file.strip_prefix(workspace).unwrap_or(&file).display().to_string().replace('\\', "/");
            modules.insert(path, Module { file, names: reader.names, reexports: reader.reexports });
        }
        Crate { modules }
    }

    /// The file that defines what a name means in a module, and the name's last part.
    fn resolve(&self, module: &ModulePath, name: &[String]) -> Option<(File, String)> {
        let item = name.last()?.clone();
        let mut name: Vec<String> = self.absolute(module, name)?;
        // Re-exports lead on; no chain is longer than the crate has modules.
        for _ in 0..=self.modules.len() {
            let at = (0..=name.len())
                .rev()
                .find(|length| name.get(..*length).is_some_and(|path| self.modules.contains_key(path)))?;
            let (path, rest) = name.split_at(at);
            let found = self.modules.get(path)?;
            let source = rest.first().and_then(|first| found.reexports.get(first));
            match source.and_then(|source| self.absolute(&path.to_vec(), source)) {
                Some(source) => name = source.into_iter().chain(rest.iter().skip(1).cloned()).collect(),
                None => return Some((found.file.clone(), item)),
            }
        }
        None
    }

    /// A name from the root of the crate; `None` for one of another crate.
    fn absolute(&self, module: &ModulePath, name: &[String]) -> Option<Vec<String>> {
        let (first, mut rest) = name.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => module.split_last()?.1.to_vec(),
            child => {
                let path = [module.clone(), vec![child.to_owned()]].concat();
                return self.modules.contains_key(&path).then(|| [path, rest.to_vec()].concat());
            }
        };
        while let Some(("super", after)) = rest.split_first().map(|(first, after)| (first.as_str(), after)) {
            base.pop();
            rest = after;
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }
}

fn child_file(folder: &Path, child: &str) -> PathBuf {
    let file = folder.join(format!("{child}.rs"));
    if file.exists() { file } else { folder.join(child).join("mod.rs") }
}

/// What a file says about modules.
#[derive(Default)]
struct Reader {
    children: BTreeSet<String>,
    names: BTreeSet<Vec<String>>,
    reexports: BTreeMap<String, Vec<String>>,
}

impl Reader {
    fn read(file: &Path) -> Reader {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut reader = Reader::default();
        for item in &parsed.items {
            if let Item::Mod(ItemMod { ident, content: None, attrs, .. }) = item
                && !is_test(attrs)
            {
                reader.children.insert(ident.to_string());
            }
        }
        reader.visit_file(&parsed);
        reader
    }

    fn leaves(&mut self, tree: &UseTree, before: &mut Vec<String>, is_public: bool) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.leaves(&path.tree, before, is_public);
                before.pop();
            }
            UseTree::Name(name) => self.leaf(before, &name.ident.to_string(), None, is_public),
            UseTree::Rename(name) => {
                self.leaf(before, &name.ident.to_string(), Some(name.rename.to_string()), is_public)
            }
            UseTree::Glob(_) => drop(self.names.insert(before.clone())),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.leaves(item, before, is_public)),
        }
    }

    fn leaf(&mut self, before: &[String], name: &str, alias: Option<String>, is_public: bool) {
        let mut path = before.to_vec();
        if name != "self" {
            path.push(name.to_owned());
        }
        if is_public {
            self.reexports.insert(alias.unwrap_or_else(|| name.to_owned()), path.clone());
        }
        self.names.insert(path);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_public = !matches!(item.vis, syn::Visibility::Inherited);
        self.leaves(&item.tree, &mut Vec::new(), is_public);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let is_ours = names
            .first()
            .is_some_and(|first| matches!(first.as_str(), "crate" | "self" | "super") || self.children.contains(first));
        if is_ours && names.len() > 1 {
            self.names.insert(names);
        }
        visit::visit_path(self, path);
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}
