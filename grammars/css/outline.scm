; Definitions in CSS: `@definition` around each, `@name` within.

(rule_set (selectors) @name) @definition
(keyframes_statement (keyframes_name) @name) @definition
(media_statement . (_) @name) @definition
