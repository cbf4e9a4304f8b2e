; Definitions in Rust: `@definition` around each, `@name` within. `@extension` adds to what is defined elsewhere, `@member` is a
; part of a type that no outline shows.

(function_item name: (_) @name) @definition
(function_signature_item name: (_) @name) @definition
(struct_item name: (_) @name) @definition
(enum_item name: (_) @name) @definition
(union_item name: (_) @name) @definition
(trait_item name: (_) @name) @definition
(impl_item type: (_) @name) @extension
(mod_item name: (_) @name) @definition
(type_item name: (_) @name) @definition
(const_item name: (_) @name) @definition
(static_item name: (_) @name) @definition
(macro_definition name: (_) @name) @definition
(field_declaration name: (_) @name) @member
(enum_variant name: (_) @name) @member
