; Definitions that C++ adds to those of C, which come first.

(function_definition declarator: (reference_declarator (function_declarator declarator: (_) @name))) @definition
(field_declaration declarator: (function_declarator declarator: (_) @name)) @definition
(class_specifier name: (_) @name body: (_)) @type
(namespace_definition name: (_) @name) @extension
(concept_definition name: (_) @name) @type
(alias_declaration name: (_) @name) @type
