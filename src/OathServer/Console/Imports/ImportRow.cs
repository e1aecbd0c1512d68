using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>An import as it is listed.</summary>
internal sealed record ImportRow(
    long Id, string FileName, string Digest, string Format, string Realm, string? Shipment, int Keys, string By, DateTimeOffset At)
{
    public static readonly string[] Orders = ["at", "keys"];

    /// <summary>The imports a list asks for, in its order.</summary>
    public static IQueryable<ImportRow> Of(OathDbContext db, Listing list)
    {
        var imports = db.Imports.AsNoTracking();
        if (list["shipment"] is { } shipment)
        {
            imports = imports.Where(i => i.Batch == shipment);
        }

        if (list["by"] is { } by)
        {
            imports = imports.Where(i => i.ImportedBy == by);
        }

        if (list["digest"]?.ToUpperInvariant() is { } digest)
        {
            imports = imports.Where(i => i.Digest.StartsWith(digest));
        }

        return (list.Sort switch
        {
            "at" => imports.OrderBy(i => i.Id),
            "keys" => imports.OrderBy(i => i.Keys).ThenBy(i => i.Id),
            "-keys" => imports.OrderByDescending(i => i.Keys).ThenByDescending(i => i.Id),
            _ => imports.OrderByDescending(i => i.Id),
        }).Select(i => new ImportRow(i.Id, i.FileName, i.Digest, i.Format, i.Realm, i.Batch, i.Keys, i.ImportedBy, i.ImportedAt));
    }
}
