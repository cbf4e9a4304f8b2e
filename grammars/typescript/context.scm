; Captures that TypeScript adds to those it shares with JavaScript, which come first.

; Statements
(enum_assignment value: (_) @expression)
(public_field_definition value: (_) @expression)
(required_parameter value: (_) @expression)
(optional_parameter value: (_) @expression)
(_ value: [(array) (object)] @literal.inside)
(_ value: [(string) (template_string) (regex)] @string.inside)

; Types
(type_annotation) @type.inside
(type_arguments) @type.inside
(type_parameters) @parameter.inside
(type_alias_declaration value: (_) @type)
; The type may be a keyword, as in `as const`.
(as_expression "as" _ @type)
(satisfies_expression "satisfies" _ @type)
(extends_clause (_) @type)
(implements_clause (_) @type)
(extends_type_clause (_) @type)
(function_type return_type: (_) @type)
(constraint (_) @type)
(default_type (_) @type)
(union_type (_) @type)
(array_type (_) @type)
; A comment among types is still a comment.
(comment) @comment.inside
((comment) @doc_comment.inside (#match? @doc_comment.inside "^/\\*\\*"))

; Bodies
(interface_body) @type_body.inside
(object_type) @type_body.inside
(enum_body) @type_body.inside
(module body: (statement_block) @top_level.inside)
(internal_module body: (statement_block) @top_level.inside)
