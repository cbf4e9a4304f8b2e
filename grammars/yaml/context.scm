; The task at a place in YAML, by the innermost node around it. `.inside`: only behind the node's own start.

(stream) @top_level
(document) @top_level
(block_mapping) @line
(block_sequence) @line
(document (block_node (block_mapping) @top_level))
(block_mapping_pair value: (flow_node) @expression)
(block_mapping_pair value: (block_node (block_scalar)) @expression)
(flow_pair value: (_) @expression)
(block_sequence_item (_) @literal)
; A mapping in a list begins like any other item.
(block_sequence_item (block_node (block_mapping . (block_mapping_pair key: (_) @literal))))
(flow_sequence) @literal.inside
(flow_mapping) @literal.inside
(block_mapping_pair value: (flow_node (flow_sequence) @literal.inside))
(block_mapping_pair value: (flow_node (flow_mapping) @literal.inside))
(double_quote_scalar) @string.inside
(single_quote_scalar) @string.inside
(block_scalar) @string.inside
(comment) @comment.inside
