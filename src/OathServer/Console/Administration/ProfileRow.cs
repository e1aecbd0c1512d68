using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Provisioning;
using OathServer.Storage;

namespace OathServer.Pages.Administration;

/// <summary>A profile as it is listed, with how many keys were written by it. Profiles are few, and their decisions are one
/// text to the database: they are sorted in memory.</summary>
internal sealed record ProfileRow(KnownProfile Profile, int Keys)
{
    public static readonly string[] Orders = ["name", "version", "keys", "edited"];

    /// <summary>Every profile.</summary>
    public static async Task<List<ProfileRow>> AllAsync(OathDbContext db, RolloutProfiles profiles, CancellationToken cancel)
    {
        var all = await profiles.AllAsync(db, cancel);
        var keys = await db.Records.Where(r => r.ProfileName != null).GroupBy(r => r.ProfileName!).Select(g => new { g.Key, Count = g.Count() })
            .ToDictionaryAsync(g => g.Key, g => g.Count, cancel);
        return all.ConvertAll(p => new ProfileRow(p, keys.GetValueOrDefault(p.Name)));
    }

    /// <summary>The profiles a list asks for, in its order.</summary>
    public static IEnumerable<ProfileRow> Chosen(IReadOnlyList<ProfileRow> profiles, Listing list)
    {
        var fit = list.Beginning(profiles, p => p.Profile.Name).OrderBy(p => p.Profile.Name, StringComparer.Ordinal);
        return list.Sort switch
        {
            "-name" => fit.Reverse(),
            "version" => fit.OrderBy(p => p.Profile.Version),
            "-version" => fit.OrderByDescending(p => p.Profile.Version),
            "keys" => fit.OrderBy(p => p.Keys),
            "-keys" => fit.OrderByDescending(p => p.Keys),
            "edited" => fit.OrderBy(p => p.Profile.EditedAt),
            "-edited" => fit.OrderByDescending(p => p.Profile.EditedAt),
            _ => fit,
        };
    }

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/admin/profiles.csv", FileAsync).RequireAuthorization(Rules.Administer).ExcludeFromDescription();

    private static async Task<IResult> FileAsync(HttpRequest request, OathDbContext db, RolloutProfiles profiles, CancellationToken cancel) => CsvFile.Of(
        "profiles.csv", Chosen(await AllAsync(db, profiles, cancel), new Listing(request, "name", Orders)).ToAsyncEnumerable(),
        ("name", p => p.Profile.Name), ("version", p => p.Profile.Version), ("puk", p => ProfileWords.Of(p.Profile.Decisions.Puk.Strategy).Text),
        ("pin", p => ProfileWords.Of(p.Profile.Decisions.Pin.Strategy).Text), ("oath", p => ProfileWords.Of(p.Profile.Decisions.Oath).ToString()),
        ("fido", p => ProfileWords.Of(p.Profile.Decisions.Fido.Scope).Text), ("keys", p => p.Keys), ("edited", p => p.Profile.EditedAt), ("edited by", p => p.Profile.EditedBy));
}
