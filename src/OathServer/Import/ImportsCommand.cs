using System.CommandLine;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Import;

/// <summary><c>imports list</c> and <c>imports undo N</c>: the history of shipments, on the server's own machine.</summary>
internal static class ImportsCommand
{
    private const int ListedMax = 100;

    public static Command Create()
    {
        var id = new Argument<long>("NUMBER") { Description = "The import's number, as listed." };
        var list = new Command("list", $"Lists the last {ListedMax} imports, the newest first.");
        list.SetAction((_, cancel) => CommandHost.RunAsync((_, db) => ListAsync(db, cancel), cancel));
        var undo = new Command("undo", "Takes an import back, while none of its tokens has been used.") { id };
        undo.SetAction((parsed, cancel) => CommandHost.RunAsync((services, db) => UndoAsync(services, db, parsed.GetValue(id), cancel), cancel));
        return new Command("imports", "The history of imports.") { list, undo };
    }

    private static async Task<int> ListAsync(OathDbContext db, CancellationToken cancel)
    {
        var imports = await db.Imports.AsNoTracking().OrderByDescending(i => i.Id).Take(ListedMax).ToListAsync(cancel);
        if (imports.Count == 0)
        {
            Console.WriteLine("Nothing was imported yet.");
        }

        foreach (var import in imports)
        {
            Console.WriteLine($"{import.Id,6}  {import.ImportedAt:u}  {import.Keys,7} keys  {ReportText.Printable(import.FileName)}  {import.Digest[..16]}…  by {ReportText.Printable(import.ImportedBy)}{(import.Batch is null ? "" : $"  batch {ReportText.Printable(import.Batch)}")}");
            if (import.Caution is { } caution)
            {
                Console.WriteLine($"        caution: {caution}");
            }
        }

        return 0;
    }

    private static async Task<int> UndoAsync(IServiceProvider services, OathDbContext db, long id, CancellationToken cancel)
    {
        var result = await services.GetRequiredService<ImportUndo>().UndoAsync(
            db, id, AuditEvent.OnThisMachine(), cancel);
        if (result.Import is null)
        {
            return await ImportCommand.FailAsync($"There is no import {id}; imports list shows them.");
        }

        if (result.InUseCount > 0)
        {
            return await ImportCommand.FailAsync($"Nothing was removed: {result.InUseCount} tokens of import {id} are in use, {string.Join(", ", result.InUse)}{(result.InUseCount > result.InUse.Count ? ", …" : "")}.");
        }

        Console.WriteLine($"Import {id} of {ReportText.Printable(result.Import.FileName)} is undone: {result.Removed} tokens removed.");
        return 0;
    }
}
