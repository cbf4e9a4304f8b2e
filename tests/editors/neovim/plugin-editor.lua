-- The plugin beside the rest of the editor: other buffers, and menus, keys and options of others; its command, statusline, help and health.
package.path = vim.env.HERE .. '/?.lua;' .. package.path
local driver = require('driver')
local scene = require('scene')
local check, same, becomes = driver.check, driver.same, driver.becomes
local editor, given, ghost, line, lua = scene.editor, scene.given, scene.ghost, scene.line, scene.lua

local function attached() return lua('return #vim.lsp.get_clients({ name = "pennyworth", bufnr = 0 })') end
local function ex(command) editor:call('nvim_command', command) end
becomes('the server is attached', 1, attached)

-- What the server learns of the editor -------------------------------------------------------------------------------------------

local hello = lua([[return Fake.of('initialize')[1].params]])
same('ghost text is announced', type(hello.capabilities.textDocument.inlineCompletion), 'table')
same('the workspace is the folder with .git', hello.rootUri, vim.uri_from_fname(vim.env.PLACE .. '/workspace'))

-- Buffers without the plugin -----------------------------------------------------------------------------------------------------

local function left_alone(what, ...)
  for _, command in ipairs({ ... }) do ex(command) end
  same(what, lua('return { require("pennyworth.client").of() == nil, require("pennyworth.client").reason_against(vim.api.nvim_get_current_buf()) ~= nil }'), { true, true })
  ex('bwipeout!')
end
left_alone('a scratch buffer is left alone', 'new', 'setlocal buftype=nofile', 'setfiletype python')
left_alone('a prompt as well', 'new', 'setlocal buftype=prompt', 'setfiletype python')
left_alone('a buffer without a name as well', 'new', 'setfiletype python')
left_alone('an address as well', 'new pennyworth://x.py', 'setfiletype python')
left_alone('help as well', 'help help')
left_alone('the list of a rebase as well', 'new ' .. vim.env.PLACE .. '/workspace/git-rebase-todo', 'setfiletype gitrebase')
left_alone('what cannot be changed as well', 'new', 'setlocal nomodifiable', 'silent file ' .. vim.env.PLACE .. '/workspace/fixed.py', 'setfiletype python')
left_alone('a buffer that says so, at any time, as well', 'new ' .. vim.env.PLACE .. '/workspace/own.py', 'let b:pennyworth = v:false')
local large = vim.env.PLACE .. '/workspace/large.py'
vim.fn.writefile({ 'x = "' .. ('a'):rep(10 * 1024 * 1024) .. '"' }, large)
left_alone('a large file as well', 'new ' .. large)
ex('new')
ex('setfiletype python')
ex('silent file ' .. vim.env.PLACE .. '/workspace/named.py')
becomes('a buffer that gets a name is served', 1, attached)
same('by the server that is there', lua('return #vim.lsp.get_clients({ name = "pennyworth" })'), 1)
ex('bwipeout!')

-- Menus --------------------------------------------------------------------------------------------------------------------------

given('value_one = 1\nvalue_two = 2\nv|', 'alue_one + 1')
becomes('shown', 'alue_one + 1', ghost)
local before = scene.asked()
editor:keys('<C-n>')
becomes('a menu opens', 1, function() return lua('return vim.fn.pumvisible()') end)
becomes('ghost text makes way for it', '', ghost)
same('and nothing is asked', scene.asked(), before)
same('nothing counts as shown', lua('return require("pennyworth").is_shown()'), false)
editor:keys('<C-e>')
becomes('it comes back when the menu closes', 'alue_one + 1', ghost)
lua([[require('pennyworth').setup { cmd = Fake.start, hide_with_menu = false }]])
editor:keys('<C-n><C-p>')
becomes('a menu opens', 1, function() return lua('return vim.fn.pumvisible()') end)
becomes('or stays beside it if the user wants both', 'alue_one + 1', ghost)
editor:keys('<C-e>')
lua([[require('pennyworth').setup { cmd = Fake.start }]])

for _, other in ipairs({
  { 'nvim-cmp', [[package.loaded['cmp'] = { visible = function() return Open end, event = { on = function(_, name, call) Later = call end } }]], 'Later()' },
  { 'blink.cmp', [[package.loaded['blink.cmp'] = { is_menu_visible = function() return Open end }]],
    [[vim.api.nvim_exec_autocmds('User', { pattern = Open and 'BlinkCmpMenuOpen' or 'BlinkCmpMenuClose' })]] },
}) do
  local name, make, tell = unpack(other)
  lua('Open = false ' .. make)
  given('x = |', 'load(1)')
  becomes('shown', 'load(1)', ghost)
  lua('Open = true ' .. tell)
  becomes('ghost text makes way for the menu of ' .. name, '', ghost)
  lua('Open = false ' .. tell)
  becomes('and comes back', 'load(1)', ghost)
  lua([[package.loaded['cmp'], package.loaded['blink.cmp'] = nil, nil]])
end

-- Neovim's own ghost text, which newer versions have
if vim.fn.has('nvim-0.12') == 1 then
  lua('vim.lsp.inline_completion.enable()')
  given('x = |', 'load(1)')
  becomes('shown', 'load(1)', ghost)
  lua('Fake.received = {}')
  editor:type('lo')
  same('Neovim does not show the same by itself', lua([[
    vim.wait(400, function() return #Fake.received > 0 and Fake.of('textDocument/inlineCompletion')[1] ~= nil end, 10)
    return { #Fake.of('textDocument/inlineCompletion'), vim.lsp.inline_completion.is_enabled({ bufnr = 0 }) }
  ]]), { 0, true })
  same('there is one ghost text', { ghost(), editor:ghost('nvim.lsp.inline_completion') }, { 'ad(1)', '' })
end

-- Keys ---------------------------------------------------------------------------------------------------------------------------

local function pressed(what, map, wanted)
  editor:keys('<Esc>')
  lua([[vim.keymap.del('i', '<F5>')]])
  lua(map)
  lua([[require('pennyworth').setup { cmd = Fake.start, keymaps = { accept = '<F5>' } }]])
  given('a|', nil)
  editor:keys('<F5>')
  becomes('without a suggestion a key does what it did before: ' .. what, wanted, line)
  lua([[require('pennyworth').setup { cmd = Fake.start, keymaps = { accept = '<F6>' } }]])
  given('a|', nil)
  editor:keys('<F5>')
  becomes('also when it is ours no more', wanted, line)
end
lua([[vim.keymap.set('i', '<F5>', 'one')]])
pressed('keys', [[vim.keymap.set('i', '<F5>', 'b<BS>c')]], 'ac')
pressed('an expression', [[vim.cmd('inoremap <expr> <F5> repeat("b", 2) .. nr2char(8) .. "d"')]], 'abd')
pressed('a function', [[vim.keymap.set('i', '<F5>', function() vim.api.nvim_put({ 'e' }, 'c', false, true) end)]], 'ae')
pressed('a function that gives keys', [[vim.keymap.set('i', '<F5>', function() return 'b<BS>f' end, { expr = true })]], 'af')
pressed('keys that are mapped again', [[vim.keymap.set('i', '<Plug>(G)', 'g') vim.keymap.set('i', '<F5>', '<Plug>(G)')]], 'ag')

lua([[require('pennyworth').setup { cmd = Fake.start, keymaps = false }]])
same('no key is mapped if none is wanted', lua([[return vim.fn.maparg('<C-Right>', 'i')]]), '')
lua([[vim.keymap.set('i', '<F7>', '<Plug>(PennyworthAcceptWord)')]])
given('x = |', 'load(1)')
becomes('shown', 'load(1)', ghost)
editor:keys('<F7>')
same('a <Plug> mapping takes a word', line(), 'x = load')
lua([[require('pennyworth').setup { cmd = Fake.start, automatic = false }]])
given('x = |', 'load(1)')
editor:type('y')
same('nothing is asked while typing if that is not wanted', scene.asked(), 0)
lua([[require('pennyworth').trigger()]])
becomes('but a function asks', 'load(1)', ghost)

local function refused(options) return lua('return select(2, pcall(require("pennyworth").setup, ' .. options .. '))') end
check('an unknown option is named', refused('{ keymap = {} }'):find('no option `keymap`; known: automatic, cmd', 1, true), refused('{ keymap = {} }'))
same('one of a wrong type as well', refused('{ keymaps = { accept = 1 } }'), 'pennyworth: option `keymaps.accept` is a number; wanted: string or boolean')
lua([[require('pennyworth').setup { cmd = Fake.start, debounce = 30 }]])
given('x = |', 'load(1)')
editor:type('abc')
becomes('with a debounce the last key is asked about', 'load(1)', ghost)
lua([[require('pennyworth').setup { cmd = Fake.start }]])

-- A key that gives nothing -------------------------------------------------------------------------------------------------------

local function said()
  return lua([[
    local marks = vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_get_namespaces()['pennyworth.nothing'] or -1, 0, -1, { details = true })
    local found = marks[1] and marks[1][4]
    return found and (found.virt_text or found.virt_lines[1])[1][1] or ''
  ]])
end
given('x = |', '')
lua([[Fake.dispatchers.notification('$/pennyworth/nothing', { uri = vim.uri_from_bufnr(0), reason = 'the cap is reached' })]])
becomes('why a key gave nothing stands beside its line', 'Pennyworth: nothing here: the cap is reached', said)
editor:type('y')
becomes('until the next key', '', said)
lua([[Fake.dispatchers.notification('$/pennyworth/nothing', { uri = vim.uri_from_bufnr(0), reason = ('long '):rep(99) })]])
becomes('a long one is cut to the window', true, function()
  local text = said()
  return text ~= '' and vim.fn.strdisplaywidth(text) <= lua('return vim.o.columns')
end)
editor:type('za')
becomes('and goes as well', '', said)

-- The command, the statusline ----------------------------------------------------------------------------------------------------

local function status(fields)
  lua([[
    local status = vim.tbl_extend('force', { state = 'ready', spent_today_usd = 0, spent_this_month_usd = 1.5, cap_usd_per_day = 0.5,
      cap_usd_per_month = 10, models = {}, files = 3 }, ...)
    Fake.results['pennyworth.status'] = status
    Fake.dispatchers.notification('$/pennyworth/status', status)
  ]], fields)
end
for _, case in ipairs({
  { {}, 'Pennyworth' },
  { { state = 'indexing', files = 7 }, 'Pennyworth: reading, 7 files' },
  { { model = 'haiku', spent_today_usd = 0.034, asking = true }, 'Pennyworth: haiku $0.034 …' },
  { { model = vim.NIL, trouble = vim.NIL, asking = false }, 'Pennyworth' },
  { { trouble = 'no key' }, 'Pennyworth: trouble' },
  { { trouble = 'model.qwen: down', troubles = { { model = 'qwen', what = 'down', since = 0, again = 0 } } }, 'Pennyworth: qwen fails' },
  { { faults = { { file = 'c.toml', line = 3, key = 'cap', message = 'unknown', holds = 'nothing' } } }, 'Pennyworth: settings have a fault' },
  { { state = 'capped', spent_today_usd = 0.5 }, 'Pennyworth: cap reached $0.50' },
  { { state = 'paused' }, 'Pennyworth: paused' },
  { { state = 'off' }, 'Pennyworth: off' },
  { { jobs = { waiting = 1, ready = 2 }, spent_today_usd = 0.5 }, 'Pennyworth $0.50, 2 ready' },
  { { jobs = { waiting = 1, ready = 0 } }, 'Pennyworth' },
  { { paused_languages = { 'snake' }, paused_ids = { 'py', 'python' } }, 'Pennyworth: paused for python' },
  { { paused_languages = { 'python' } }, 'Pennyworth: paused for python' },
}) do
  status(case[1])
  becomes('the statusline says ' .. case[2], case[2], function() return lua('return require("pennyworth").statusline()') end)
end
same('each is an event', scene.events('PennyworthStatus')[2], 'indexing')
lua([[package.preload['lualine.component'] = function() return { extend = function() return {} end } end]])
same('lualine gets the same', lua([[return require('lualine.components.pennyworth').update_status()]]), 'Pennyworth: paused for python')

same('the command completes its words', editor:call('nvim_call_function', 'getcompletion', { 'Pennyworth re', 'cmdline' }), { 'restart', 'resume', 'review' })
same('and the language', editor:call('nvim_call_function', 'getcompletion', { 'Pennyworth pause ', 'cmdline' }), { 'python' })
lua([[
  Fake.results['pennyworth.stats'] = { markdown = '| task | accepted |' }
  Fake.results['pennyworth.explain'] = { text = 'argument: asked' }
  Fake.results['pennyworth.check'] = { text = 'all is well', ok = true }
  Fake.results['pennyworth.files'] = { config = ..., log = vim.NIL }
  Fake.results['pennyworth.pause'] = { paused = true }
]], vim.env.PLACE .. '/workspace/new/config.toml')
editor:keys('<Esc>')
for _, case in ipairs({ { 'stats', '| task | accepted |', 'markdown' }, { 'explain', 'argument: asked', '' }, { 'check', 'all is well', '' } }) do
  ex('Pennyworth ' .. case[1])
  becomes(':Pennyworth ' .. case[1] .. ' shows what the server says', { case[2], case[3] }, function() return { editor:text(), lua('return vim.bo.filetype') } end)
  same('in a buffer that is left alone', attached(), 0)
  editor:keys('q')
  becomes('which a key closes', 1, function() return lua('return #vim.api.nvim_list_wins()') end)
end
same('explain asks about the place of the cursor', scene.commands()[2][3], { line = 0, character = 6 })
lua('Told = {}')
ex('Pennyworth status')
becomes(':Pennyworth status says it in words', true, function()
  local told = scene.told()[1] or ''
  return told:find('state: ready', 1, true) ~= nil and told:find('this month: $1.50 of $10.00', 1, true) ~= nil and told:find('paused languages: python', 1, true) ~= nil
end)
lua('Fake.received, Told = {}, {}')
ex('Pennyworth pause')
becomes(':Pennyworth pause', { 'pennyworth.pause', { paused = true } }, function() return scene.commands()[1] end)
ex('Pennyworth pause python')
becomes('for one language', { 'pennyworth.pause', { paused = true, language = 'python' } }, function() return scene.commands()[2] end)
ex('Pennyworth resume python')
becomes(':Pennyworth resume', { 'pennyworth.pause', { paused = false, language = 'python' } }, function() return scene.commands()[3] end)
ex('Pennyworth toggle')
becomes(':Pennyworth toggle', { 'pennyworth.pause', { paused = true } }, function()
  local commands = scene.commands()
  return commands[#commands]
end)
ex('set buftype= | enew')
status({ state = 'paused' })
ex('Pennyworth toggle')
becomes('and back, also from a buffer without a server', { 'pennyworth.pause', { paused = false } }, function()
  local commands = scene.commands()
  return commands[#commands]
end)
status({ state = 'off', paused = true })
ex('Pennyworth toggle')
becomes('and where the settings switch everything off', { 6, { 'pennyworth.pause', { paused = false } } }, function()
  local pauses = vim.tbl_filter(function(command) return command[1] == 'pennyworth.pause' end, scene.commands())
  return { #pauses, pauses[#pauses] }
end)
becomes('each says what it did', {
  'Pennyworth: paused', 'Pennyworth: paused for python', 'Pennyworth: resumed for python', 'Pennyworth: paused', 'Pennyworth: resumed',
  'Pennyworth: resumed',
}, scene.told)
ex('bwipeout!')
lua('Told = {}')
ex('Pennyworth polka')
check('an unknown word is named, with the known ones', (scene.told()[1] or ''):find('no command `polka`; known: cancel, check, commit, config,', 1, true), scene.told())
ex('Pennyworth config')
becomes(':Pennyworth config opens the file', vim.env.PLACE .. '/workspace/new/config.toml', function() return editor:call('nvim_buf_get_name', 0) end)
ex('Pennyworth log')
becomes(':Pennyworth log opens the log', 'lsp.log', function() return vim.fs.basename(editor:call('nvim_buf_get_name', 0)) end)
ex('only | edit! ' .. vim.env.PLACE .. '/workspace/orders.py')

-- Help ---------------------------------------------------------------------------------------------------------------------------

for _, tag in ipairs({ 'pennyworth', 'pennyworth-options', ':Pennyworth', 'pennyworth-mappings', 'PennyworthShown', 'hl-PennyworthSuggestion' }) do
  ex('help ' .. tag)
  same(':help ' .. tag, { lua('return vim.bo.buftype'), vim.fs.basename(editor:call('nvim_buf_get_name', 0)) }, { 'help', 'pennyworth.txt' })
  ex('helpclose')
end
local copy = vim.env.PLACE .. '/doc'
vim.fn.mkdir(copy)
vim.uv.fs_copyfile(vim.env.PLUGIN .. '/doc/pennyworth.txt', copy .. '/pennyworth.txt')
ex('helptags ' .. copy)
same('the tags are those of the help', vim.fn.readfile(vim.env.PLUGIN .. '/doc/tags'), vim.fn.readfile(copy .. '/tags'))

-- Several workspaces, and their end ----------------------------------------------------------------------------------------------

vim.fn.mkdir(vim.env.PLACE .. '/second/.git', 'p')
ex('edit ' .. vim.env.PLACE .. '/second/a.py')
becomes('a second workspace has a server of its own', 2, function() return lua('return #vim.lsp.get_clients({ name = "pennyworth" })') end)
lua('Told, Fake.received = {}, {}')
ex('Pennyworth restart')
becomes(':Pennyworth restart starts both anew', 2, function() return scene.count('initialize') end)
becomes('and they serve', 1, attached)
same('without a word', scene.told(), {})
local log = lua([[return require('vim.lsp.log').get_filename()]])
editor:quit()
same('the log of the editor holds no fault', driver.faults(log), {})
driver.finish()
