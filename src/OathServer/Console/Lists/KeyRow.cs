using Microsoft.EntityFrameworkCore;
using OathServer.Provisioning.Puk;
using OathServer.Readiness;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>A key as it is listed.</summary>
internal sealed record KeyRow(
    string Cuid, string? DeviceSerial, string? Model, string? User, KeyStatus Status, string? Batch, string? Profile, ClosedGaps Closed,
    string? ProvisionedBy, DateTimeOffset? ProvisionedAt)
{
    public static readonly string[] Orders = ["cuid", "provisioned"];

    /// <summary>The keys a list asks for, in its order.</summary>
    public static async Task<IQueryable<KeyRow>> OfAsync(OathDbContext db, Listing list, TimeProvider time, CancellationToken cancel)
    {
        var records = Filtered(db, list);
        if (IsPukDue(list))
        {
            records = (await DuePuks.AsOfAsync(db, time.GetUtcNow(), cancel)).Of(records);
        }

        return (list.Sort switch
        {
            "-cuid" => records.OrderByDescending(r => r.Cuid),
            "provisioned" => records.OrderBy(r => r.ProvisionedAt).ThenBy(r => r.Cuid),
            "-provisioned" => records.OrderByDescending(r => r.ProvisionedAt).ThenByDescending(r => r.Cuid),
            _ => records.OrderBy(r => r.Cuid),
        }).Select(r => new KeyRow(r.Cuid, r.DeviceSerial, r.Model, r.Person!.Name, r.Status, r.Batch, r.ProfileName, r.Closed, r.ProvisionedBy, r.ProvisionedAt));
    }

    /// <summary>Whether the list is of keys whose PUK is due.</summary>
    public static bool IsPukDue(Listing list) => list["puk"] == "due";

    private static IQueryable<KeyRecord> Filtered(OathDbContext db, Listing list)
    {
        var gap = GapWords.Of(list["gap"]);
        var records = gap is { } open ? FiveGaps.Open(GapCounts.Live(db, batch: null, profile: null), open) : db.Records.AsNoTracking();
        if (list.Of<KeyStatus>("status") is { } status)
        {
            records = records.Where(r => r.Status == status);
        }

        if (list["batch"] is { } batch)
        {
            records = records.Where(r => r.Batch == batch);
        }

        if (list["profile"] is { } profile)
        {
            records = records.Where(r => r.ProfileName == profile);
        }

        if (list["user"] is { } user)
        {
            var name = Person.Normalize(user);
            records = records.Where(r => r.Person!.NormalizedName == name);
        }

        return records;
    }
}
