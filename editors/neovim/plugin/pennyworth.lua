-- Starts the plugin with its defaults if `setup` is never called. It leaves everything else to `lua/pennyworth`.
if vim.g.loaded_pennyworth or vim.fn.has('nvim-0.10') == 0 then return end
vim.g.loaded_pennyworth = true

-- Waits for the user's own configuration: plugin managers read this file before they run the code that calls `setup`.
local function begin() require('pennyworth').setup_once() end
if vim.v.vim_did_enter == 1 then
  vim.schedule(begin)
else
  vim.api.nvim_create_autocmd('VimEnter', { once = true, callback = begin })
end
