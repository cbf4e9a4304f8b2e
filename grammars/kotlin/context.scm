; The task at a place in Kotlin, by the innermost node around it. `.inside`: only behind the node's own start.

(source_file) @top_level

; Statements
(property_declaration (expression) @expression)
(property_delegate (expression) @expression)
(assignment right: (_) @expression)
(return_expression (expression) @return)
(throw_expression (expression) @expression)
(index_expression (_) (_) @expression)
(function_body (expression) @expression)
(class_parameter (expression) @expression)
(function_value_parameters (expression) @expression)
(for_statement (variable_declaration) (_) @expression)
(for_statement (multi_variable_declaration) (_) @expression)
(when_entry (statement) @expression)
(enum_entry) @line.inside

; Conditions
(if_expression condition: (_) @condition)
(while_statement condition: (_) @condition)
(do_while_statement condition: (_) @condition)
(when_subject) @condition.inside
(when_entry condition: (_) @condition)

; Lists
(value_arguments) @argument.inside
(function_value_parameters) @parameter.inside
(class_parameters) @parameter.inside
(lambda_parameters) @parameter
(type_parameters) @parameter.inside
(collection_literal) @literal.inside

; Types
(user_type) @type
(nullable_type) @type
(variable_declaration (type) @type)
(parameter (type) @type)
(class_parameter (type) @type)
(type_arguments) @type.inside
(type_constraint (type) @type)
(delegation_specifier) @type
(delegation_specifier (constructor_invocation (value_arguments) @argument.inside))
(as_expression right: (_) @type)
(is_expression right: (_) @type)
(catch_block (type) @type)

; Imports, texts
(package_header) @line.inside
(import) @import.inside
(string_literal) @string.inside
(multiline_string_literal) @string.inside
(interpolation (_) @expression)
(character_literal) @string.inside
(line_comment) @comment.inside
(block_comment) @comment.inside
((block_comment) @doc_comment.inside (#match? @doc_comment.inside "^/\\*\\*"))

; Bodies
(block) @block.inside
(lambda_literal) @block.inside
(when_expression (when_entry)) @line.inside
(function_body (block) @function.inside)
(anonymous_initializer (block) @block.inside)
(class_body) @type_body.inside
(enum_class_body) @type_body.inside
