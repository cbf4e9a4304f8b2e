; Definitions in Dart: `@definition` around each, `@name` within.

(class_declaration name: (_) @name) @definition
(mixin_declaration name: (_) @name) @definition
(enum_declaration name: (_) @name) @definition
(extension_declaration name: (_) @name) @definition
(function_declaration signature: (function_signature name: (_) @name)) @definition
(method_declaration signature: (method_signature (function_signature name: (_) @name))) @definition
(enum_entry name: (_) @name) @definition
