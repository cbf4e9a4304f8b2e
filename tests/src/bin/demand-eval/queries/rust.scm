; Definitions in Rust, for the measurement alone.

(function_item name: (_) @name) @callable
(function_signature_item name: (_) @name) @signature
(macro_definition name: (_) @name) @callable
(struct_item name: (_) @name) @type
(enum_item name: (_) @name) @type
(union_item name: (_) @name) @type
(trait_item name: (_) @name) @type
(type_item name: (_) @name) @type
(const_item name: (_) @name) @value
(static_item name: (_) @name) @value
(field_declaration name: (_) @name) @member
(enum_variant name: (_) @name) @member
