; Definitions that TypeScript adds to those it shares with JavaScript, which come first. `@member` is a part of a
; type, which no outline shows.

(abstract_class_declaration name: (_) @name) @type
(interface_declaration name: (_) @name) @type
(type_alias_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @type
(internal_module name: (_) @name) @type
(function_signature name: (_) @name) @definition
(method_signature name: (_) @name) @definition
(abstract_method_signature name: (_) @name) @definition
(public_field_definition name: (_) @name) @member
(property_signature name: (_) @name) @member
(enum_body (property_identifier) @name @member)
(enum_assignment name: (_) @name) @member
