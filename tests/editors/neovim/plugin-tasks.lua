-- Tasks on demand with the real server and a model whose answers are known: previews that are applied, left or refused, findings as diagnostics, a
-- message in a commit, and a task that is cancelled.
package.path = vim.env.HERE .. '/?.lua;' .. package.path
local driver = require('driver')
local same, becomes = driver.same, driver.becomes

-- The model and its workspace.
local tasks = vim.fs.joinpath(vim.env.HERE, '../tasks')
local address
local model = vim.fn.jobstart({ 'python3', tasks .. '/../model.py', tasks .. '/answers.json' }, { on_stdout = function(_, lines) address = address or lines[1] end })
becomes('the model serves', true, function() return address ~= nil end)
local workspace = vim.env.PLACE .. '/shop'
local made = vim.system({ tasks .. '/make', workspace, vim.env.XDG_CONFIG_HOME .. '/pennyworth/config.toml', address }):wait()
same('the workspace is made', made.code, 0)

local function start(file) return driver.start(vim.env.HERE .. '/server-init.lua', workspace .. '/' .. file) end
local editor = start('basket.ts')
local function lua(...) return editor:lua(...) end
local function ex(command) editor:call('nvim_command', command) end
local function text() return editor:text() end
local function windows() return lua('return #vim.api.nvim_tabpage_list_wins(0)') end
local function told() return lua('return Told[#Told] or ""') end
local function diagnostics()
  return lua([[return vim.tbl_map(function(each) return each.message:match('^[^\n]*') end, vim.diagnostic.get(nil))]])
end
local function previewed(what, command)
  ex(command)
  becomes(what, 2, windows)
  becomes('in a preview', true, function() return vim.startswith(editor:call('nvim_buf_get_name', 0), 'pennyworth://edit/') end)
end

becomes('the server is attached', 1, function() return lua('return #vim.lsp.get_clients({ name = "pennyworth", bufnr = 0 })') end)
local before = text()

previewed('an edit is shown before it is applied', '5Pennyworth document')
same('with what it adds', text():find('/** The sum of all prices', 1, true) ~= nil, true)
editor:keys('<CR>')
local documented = before:gsub('export function total', '/** The sum of all prices, each by its count. */\nexport function total', 1)
becomes('a key applies it', documented, text)
same('and goes back', windows(), 1)
editor:keys('u')
same('one undo takes it back', text(), before)

ex('Pennyworth fix')
same('nothing is mended where nothing is reported', told(), 'Pennyworth: nothing is reported in these lines')
lua([[vim.diagnostic.set(vim.api.nvim_create_namespace('tsc'), 0, { { lnum = 9, col = 29, message = 'Cannot find name RAT', source = 'tsc' } })]])
previewed('what is reported is mended', '10Pennyworth fix')
editor:keys('<CR>')
local mended = before:gsub('RAT%)', 'RATE)')
becomes('and applied', mended, text)
lua([[vim.diagnostic.reset()]])

previewed('the selected lines are edited', '14,16Pennyworth edit return 0 for an empty basket')
same('in this way', text():find('if (items.length === 0) return 0;', 1, true) ~= nil, true)
editor:keys('q')
becomes('what is left', 1, windows)
same('changes nothing', text(), mended)
previewed('the instruction may stand in a comment', '14Pennyworth edit')
lua([[local buf = vim.fn.bufnr('basket.ts$') vim.api.nvim_buf_set_lines(buf, -1, -1, false, { '// more' })]])
editor:keys('<CR>')
becomes('an edit of a text that has changed is not applied', 'Pennyworth: not applied, as the document has changed', told)
editor:keys('q')
becomes('and can be left', 1, windows)
same('without any', text(), mended .. '\n// more')

ex('15Pennyworth edit take your time')
becomes('a task runs', 'Pennyworth: edit …', told)
ex('Pennyworth cancel')
becomes('and is cancelled', 'Pennyworth: cancelled', told)

ex('Pennyworth explaincode')
becomes('an explanation is shown', true, function() return text():find('divides the total', 1, true) ~= nil end)
editor:keys('q')

ex('silent write')
previewed('tests are written', '5Pennyworth tests')
editor:keys('<CR>')
becomes('into a new file', 'basket.test.ts', function() return vim.fs.basename(editor:call('nvim_buf_get_name', 0)) end)
same('of the item', text():find("import { total } from './basket';", 1, true), 1)
ex('silent write')

ex('edit ' .. workspace .. '/ship.ts')
becomes('another file is served', 1, function() return lua('return #vim.lsp.get_clients({ name = "pennyworth", bufnr = 0 })') end)
ex('Pennyworth jobs')
becomes('nothing is queued', 'Pennyworth: no jobs are queued', told)
ex('Pennyworth! review')
becomes('a task is queued', true, function() return told():find('queued: 1 job, at most $', 1, true) ~= nil end)
editor:quit()
editor = start('ship.ts')
becomes('after a restart the server is attached', 1, function() return lua('return #vim.lsp.get_clients({ name = "pennyworth", bufnr = 0 })') end)
lua([[vim.ui.select = function(items, _, choose) choose(items[1]) end]])
ex('Pennyworth jobs')
becomes('a review tells what it found', true, function() return told():find('the review found 2 things', 1, true) ~= nil end)
becomes('its findings are diagnostics', { 'Shipping is free below the limit', 'A name of one word fails' }, diagnostics)
editor:keys('2G')
lua([[vim.lsp.buf.code_action({ apply = true, filter = function(action) return vim.startswith(action.title, 'Pennyworth: apply') end })]])
becomes('one of them is applied', true, function() return text():find('return total > 50 ? 0 : 4.9;', 1, true) ~= nil end)
becomes('and then gone', { 'A name of one word fails' }, diagnostics)
editor:keys('6G')
lua([[vim.lsp.buf.code_action({ apply = true, filter = function(action) return vim.startswith(action.title, 'Pennyworth: dismiss') end })]])
becomes('the other is dismissed', {}, diagnostics)

ex('edit ' .. workspace .. '/.git/COMMIT_EDITMSG')
ex('setfiletype gitcommit')
becomes('a commit is served', 1, function() return lua('return #vim.lsp.get_clients({ name = "pennyworth", bufnr = 0 })') end)
ex('Pennyworth commit')
becomes('its message is written', 'notes: shipping is free\n\nThe notes say so, too.', function() return text():sub(1, 47) end)

same('subcommands are completed', lua([[return vim.fn.getcompletion('Pennyworth ex', 'cmdline')]]), { 'explain', 'explaincode' })
same('behind a range, too', lua([[return vim.fn.getcompletion("1,2Pennyworth doc", 'cmdline')]]), { 'document' })
same('the mappings are there', lua([[return vim.fn.maparg('<Plug>(PennyworthReview)', 'n')]]), ':Pennyworth review<CR>')
local log = lua([[return require('vim.lsp.log').get_filename()]])
editor:quit()
same('the log of the editor holds no fault', driver.faults(log), {})
vim.fn.jobstop(model)
driver.finish()
