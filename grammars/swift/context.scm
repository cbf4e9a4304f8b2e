; The task at a place in Swift, by the innermost node around it. `.inside`: only behind the node's own start.

(source_file) @top_level

; Statements
(property_declaration value: (_) @expression)
(assignment result: (_) @expression)
(control_transfer_statement result: (_) @return)
(control_transfer_statement (throw_keyword) (_) @expression)
(for_statement collection: (_) @expression)
(function_declaration default_value: (_) @expression)
(enum_entry raw_value: (_) @expression)
(enum_entry) @type_body
(ternary_expression if_true: (_) @expression)
(ternary_expression if_false: (_) @expression)
(value_argument value: (_) @argument)

; Conditions
(if_statement condition: (_) @condition)
(guard_statement condition: (_) @condition)
(while_statement condition: (_) @condition)
(repeat_while_statement condition: (_) @condition)
(ternary_expression condition: (_) @condition)
(switch_statement expr: (_) @condition)
(switch_pattern) @condition
(where_clause (_) @condition)

; Lists
(value_arguments) @argument.inside
(parameter) @parameter
(lambda_parameter) @parameter
(type_parameters) @parameter.inside
(array_literal) @literal.inside
(dictionary_literal) @literal.inside
(tuple_expression) @expression.inside

; Types
(user_type) @type
(optional_type) @type
(array_type) @type
(dictionary_type) @type
(function_type) @type
(type_arguments) @type.inside
(inheritance_specifier) @type

; Imports, texts
(import_declaration) @import.inside
(line_string_literal) @string.inside
(multi_line_string_literal) @string.inside
(raw_string_literal) @string.inside
(interpolated_expression) @expression
(comment) @comment.inside
((comment) @doc_comment.inside (#match? @doc_comment.inside "^///"))
(multiline_comment) @comment.inside
((multiline_comment) @doc_comment.inside (#match? @doc_comment.inside "^/\\*\\*"))

; Bodies
(if_statement (statements) @block)
(guard_statement (statements) @block)
(while_statement (statements) @block)
(repeat_while_statement (statements) @block)
(for_statement (statements) @block)
(do_statement (statements) @block)
(catch_block (statements) @block)
(lambda_literal) @block.inside
(switch_statement) @line.inside
(switch_entry (statements) @block)
(computed_property) @block.inside
(computed_getter) @block.inside
(computed_setter) @block.inside
(function_body) @function.inside
(class_body) @type_body.inside
(enum_class_body) @type_body.inside
(protocol_body) @type_body.inside
