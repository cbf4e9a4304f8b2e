; Definitions in YAML: `@definition` around each, `@name` within.

(document (block_node (block_mapping (block_mapping_pair key: (_) @name) @definition)))
(document (block_node (block_mapping (block_mapping_pair value: (block_node (block_mapping (block_mapping_pair key: (_) @name) @definition))))))
