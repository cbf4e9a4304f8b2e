; The task at a place in Dart, by the innermost node around it. `.inside`: only behind the node's own start.

(source_file) @top_level

; Statements
(initialized_variable_declaration value: (_) @expression)
(initialized_identifier value: (_) @expression)
(static_final_declaration value: (_) @expression)
(assignment_expression right: (_) @expression)
(pattern_variable_declaration (_) (_) @expression)
(return_statement (_) @return)
(yield_statement (_) @return)
(throw_expression value: (_) @expression)
(function_body (_expression) @expression)
(function_expression_body (_expression) @expression)
(index_expression index: (_) @expression)
(field_initializer value: (_) @expression)
(optional_formal_parameters default_value: (_) @expression)
(conditional_expression consequence: (_) @expression)
(conditional_expression alternative: (_) @expression)
(switch_expression_case (_) (_) @expression)
(spread_element value: (_) @expression)

; Conditions and the heads of loops
(if_statement condition: (_) @condition)
(if_element condition: (_) @condition)
(while_statement condition: (_) @condition)
(do_statement condition: (_) @condition)
(switch_statement condition: (_) @condition)
(switch_expression condition: (_) @condition)
(for_statement condition: (_) @condition)
(for_statement value: (_) @expression)
(for_element value: (_) @expression)
(assertion) @condition.inside

; Lists
(arguments) @argument.inside
(annotation_arguments) @argument.inside
(formal_parameter_list) @parameter.inside
(optional_formal_parameters) @parameter.inside
(type_parameters) @parameter.inside
(list_literal) @literal.inside
(set_or_map_literal) @literal.inside
(record_literal) @literal.inside

; Types
(type_arguments) @type.inside
(superclass type: (_) @type)
(interfaces) @type.inside
(mixins) @type.inside
(type_test (type) @type)
(type_cast (type) @type)

; Imports, texts
(import_or_export) @import.inside
(part_directive) @import.inside
(string_literal) @string.inside
(uri (string_literal) @import)
(template_substitution (_) @expression)
(comment) @comment.inside
(documentation_comment) @doc_comment.inside

; Bodies
(block) @block.inside
(switch_block) @line.inside
(function_body (block) @function.inside)
(function_expression_body (block) @block.inside)
(class_body) @type_body.inside
(enum_body) @type_body.inside
(extension_body) @type_body.inside
