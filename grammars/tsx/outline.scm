; Definitions: `@definition` around each, `@name` within.

(function_declaration name: (_) @name) @definition
(generator_function_declaration name: (_) @name) @definition
(class_declaration name: (_) @name) @definition
(method_definition name: (_) @name) @definition
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression)]) @definition
(program (lexical_declaration (variable_declarator name: (identifier) @name)) @definition)
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name))) @definition)
(abstract_class_declaration name: (_) @name) @definition
(interface_declaration name: (_) @name) @definition
(type_alias_declaration name: (_) @name) @definition
(enum_declaration name: (_) @name) @definition
(internal_module name: (_) @name) @definition
(function_signature name: (_) @name) @definition
(method_signature name: (_) @name) @definition
