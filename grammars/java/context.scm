; The task at a place in Java, by the innermost node around it. `.inside`: only behind the node's own start.

(program) @top_level

; Statements
(variable_declarator value: (_) @expression)
(assignment_expression right: (_) @expression)
(return_statement (_) @return)
(yield_statement (_) @return)
(throw_statement (_) @expression)
(assert_statement (_) @condition)
(array_access index: (_) @expression)
(dimensions_expr) @expression.inside
(lambda_expression body: (_) @expression)
(synchronized_statement (parenthesized_expression) @expression)
(resource_specification) @line.inside
(resource value: (_) @expression)
(element_value_pair value: (_) @expression)
(annotation_type_element_declaration value: (_) @expression)
(switch_label (_) @expression)
(switch_rule (expression_statement) @expression)

; Conditions and the heads of loops
(if_statement condition: (_) @condition)
(while_statement condition: (_) @condition)
(do_statement condition: (_) @condition)
(switch_expression condition: (_) @condition)
(guard (_) @condition)
(for_statement) @condition.inside
(for_statement init: (local_variable_declaration (variable_declarator value: (_) @expression)))
(for_statement body: (_) @line)
(enhanced_for_statement) @condition.inside
(enhanced_for_statement value: (_) @expression)
(enhanced_for_statement body: (_) @line)

; Lists
(argument_list) @argument.inside
(annotation_argument_list) @argument.inside
(formal_parameters) @parameter.inside
(inferred_parameters) @parameter.inside
(catch_formal_parameter) @parameter
(type_parameters) @parameter.inside
(array_initializer) @literal.inside
(element_value_array_initializer) @literal.inside

; Types
(type_arguments) @type.inside
(type_bound) @type.inside
(superclass (_) @type)
(type_list (_) @type)
(throws (_) @type)
(instanceof_expression right: (_) @type)

; Imports, texts
(package_declaration) @line.inside
(import_declaration) @import.inside
(string_literal) @string.inside
(string_interpolation) @expression.inside
(character_literal) @string.inside
(line_comment) @comment.inside
(block_comment) @comment.inside
((block_comment) @doc_comment.inside (#match? @doc_comment.inside "^/\\*\\*"))

; Bodies
(block) @block.inside
(switch_block) @block.inside
(method_declaration body: (block) @function.inside)
(compact_constructor_declaration body: (block) @function.inside)
(constructor_body) @function.inside
(class_body) @type_body.inside
(interface_body) @type_body.inside
(enum_body) @type_body.inside
(enum_body_declarations) @type_body.inside
(annotation_type_body) @type_body.inside
(module_body) @type_body.inside
