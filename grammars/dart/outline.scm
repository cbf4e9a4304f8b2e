; Definitions in Dart: `@definition` or `@type` around each, `@name` within.

(class_declaration name: (_) @name) @type
(mixin_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @type
(extension_declaration name: (_) @name) @extension
(function_declaration signature: (function_signature name: (_) @name)) @definition
(method_declaration signature: (method_signature (function_signature name: (_) @name))) @definition
(enum_entry name: (_) @name) @definition
