-- An editor with the plugin and the server of `fake.lua`.
vim.opt.runtimepath:append(vim.env.PLUGIN)
Fake = dofile(vim.env.HERE .. '/fake.lua')
if vim.fn.has('nvim-0.11') == 1 then Fake.encoding = 'utf-8' end
Events, Told = {}, {}
vim.notify = function(message) table.insert(Told, message) end
vim.api.nvim_create_autocmd('User', {
  pattern = 'Pennyworth*',
  callback = function(event) table.insert(Events, { event.match, event.data and (event.data.text or event.data.state) }) end,
})
vim.keymap.set('i', '<C-]>', 'earlier')
require('pennyworth').setup { cmd = Fake.start }
