; The task at a place in Scala, by the innermost node around it. `.inside`: only behind the node's own start.

(compilation_unit) @top_level

; Statements
(val_definition value: (_) @expression)
(var_definition value: (_) @expression)
(given_definition body: (_) @expression)
(function_definition body: (_) @expression)
(assignment_expression right: (_) @expression)
(return_expression (_) @return)
(throw_expression (_) @expression)
(case_clause body: (_) @block)
(enumerator (_) (_) @expression)
(lambda_expression (_) (_) @expression)
(parameter default_value: (_) @expression)
(class_parameter default_value: (_) @expression)

; Conditions
(if_expression condition: (_) @condition)
(while_expression condition: (_) @condition)
(do_while_expression condition: (_) @condition)
(guard (_) @condition)
(match_expression value: (_) @condition)
(case_clause pattern: (_) @condition)

; Lists
(arguments) @argument.inside
(parameters) @parameter.inside
(class_parameters) @parameter.inside
(bindings) @parameter.inside
(type_parameters) @parameter.inside
(tuple_expression) @literal.inside

; Types
(parameter type: (_) @type)
(class_parameter type: (_) @type)
(val_definition type: (_) @type)
(var_definition type: (_) @type)
(val_declaration type: (_) @type)
(function_definition return_type: (_) @type)
(function_declaration return_type: (_) @type)
(type_definition type: (_) @type)
(type_arguments) @type.inside
(extends_clause type: (_) @type)
(ascription_expression (_) (_) @type)

; Imports, texts
(package_clause name: (_) @line)
(import_declaration) @import.inside
(string) @string.inside
(interpolated_string) @string.inside
(character_literal) @string.inside
(comment) @comment.inside
(block_comment) @comment.inside
((block_comment) @doc_comment.inside (#match? @doc_comment.inside "^/\\*\\*"))

; Bodies
(block) @block.inside
(interpolation (_) @expression)
(indented_block) @block
(case_block) @line.inside
(function_definition body: (block) @function.inside)
(function_definition body: (indented_block) @function)
(template_body) @type_body.inside
(enum_body) @type_body.inside
