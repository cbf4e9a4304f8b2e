-- The lualine.nvim component `pennyworth`. It leaves the words to `pennyworth.statusline`.
local Component = require('lualine.component'):extend()

function Component.update_status() return require('pennyworth').statusline() end

return Component
