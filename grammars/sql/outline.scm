; Definitions in SQL: `@definition` around each, `@name` within.

(create_table (object_reference name: (_) @name)) @definition
(create_view (object_reference name: (_) @name)) @definition
(create_function (object_reference name: (_) @name)) @definition
(create_index column: (_) @name) @definition
