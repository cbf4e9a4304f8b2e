; Definitions in Swift: `@definition` or `@type` around each, `@name` within. `@extension` adds to what is defined elsewhere.

(class_declaration name: (_) @name) @type
(class_declaration declaration_kind: "extension" name: (_) @name) @extension
(protocol_declaration name: (_) @name) @type
(function_declaration name: (_) @name) @definition
(init_declaration "init" @name) @definition
(property_declaration name: (pattern bound_identifier: (_) @name)) @definition
(enum_entry name: (_) @name) @definition
(typealias_declaration name: (_) @name) @type
