; Definitions in Rust: `@definition` or `@type` around each, `@name` within. `@extension` adds to what is defined elsewhere, `@member` is a
; part of a type that no outline shows.

(function_item name: (_) @name) @definition
(function_signature_item name: (_) @name) @definition
(struct_item name: (_) @name) @type
(enum_item name: (_) @name) @type
(union_item name: (_) @name) @type
(trait_item name: (_) @name) @type
(impl_item type: (_) @name) @extension
(mod_item name: (_) @name body: (_)) @type
(mod_item name: (_) @name) @definition
(type_item name: (_) @name) @type
(const_item name: (_) @name) @definition
(static_item name: (_) @name) @definition
(macro_definition name: (_) @name) @definition
(field_declaration name: (_) @name) @member
(enum_variant name: (_) @name) @member
