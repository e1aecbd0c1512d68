using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Pages.Administration;

/// <summary>A realm as it is listed. Realms are few, and put together from several tables: they are sorted in memory.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Policy">What holds in it.</param>
/// <param name="Own">The policy of its own; null while it follows the settings.</param>
/// <param name="Tokens">Tokens in it.</param>
/// <param name="People">People in it.</param>
/// <param name="Programs">The API keys that may validate in it, by name.</param>
internal sealed record RealmRow(string Name, ValidationPolicy Policy, RealmPolicy? Own, int Tokens, int People, string Programs)
{
    public static readonly string[] Orders = ["name", "window", "guess", "tokens", "people"];

    /// <summary>Every realm that has tokens, people or a policy; the default one where none has.</summary>
    public static async Task<List<RealmRow>> AllAsync(OathDbContext db, RealmPolicies policies, CancellationToken cancel)
    {
        var tokens = await db.Tokens.GroupBy(t => t.Realm).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, cancel);
        var people = await db.People.GroupBy(p => p.Realm).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, cancel);
        var keys = await db.ApiKeys.AsNoTracking().Where(k => k.RevokedAt == null && k.Role == Roles.RelyingParty).ToListAsync(cancel);
        var stored = await db.RealmPolicies.AsNoTracking().ToDictionaryAsync(p => p.Realm, StringComparer.Ordinal, cancel);
        var names = tokens.Keys.Union(people.Keys).Union(stored.Keys).DefaultIfEmpty(ValidateEndpoint.DefaultRealm);
        return [.. names.Order(StringComparer.Ordinal).Select(name => (Name: name, Own: stored.GetValueOrDefault(name))).Select(r => new RealmRow(
            r.Name, r.Own is null ? policies.Defaults : policies.Defaults.With(r.Own), r.Own, tokens.GetValueOrDefault(r.Name), people.GetValueOrDefault(r.Name), ProgramsOf(r.Name, keys)))];
    }

    /// <summary>The realms a list asks for, in its order.</summary>
    public static IEnumerable<RealmRow> Chosen(IReadOnlyList<RealmRow> realms, Listing list)
    {
        var fit = list.Beginning(realms, r => r.Name).OrderBy(r => r.Name, StringComparer.Ordinal);
        return list.Sort switch
        {
            "-name" => fit.Reverse(),
            "window" => fit.OrderBy(r => r.Policy.LookAhead),
            "-window" => fit.OrderByDescending(r => r.Policy.LookAhead),
            "guess" => fit.OrderBy(r => r.Policy.ChanceOfAGuess()),
            "-guess" => fit.OrderByDescending(r => r.Policy.ChanceOfAGuess()),
            "tokens" => fit.OrderBy(r => r.Tokens),
            "-tokens" => fit.OrderByDescending(r => r.Tokens),
            "people" => fit.OrderBy(r => r.People),
            "-people" => fit.OrderByDescending(r => r.People),
            _ => fit,
        };
    }

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/admin/policies.csv", FileAsync).RequireAuthorization(Rules.Administer).ExcludeFromDescription();

    private static async Task<IResult> FileAsync(HttpRequest request, OathDbContext db, RealmPolicies policies, CancellationToken cancel) => CsvFile.Of(
        "realms.csv", Chosen(await AllAsync(db, policies, cancel), new Listing(request, "name", Orders)).ToAsyncEnumerable(),
        ("realm", r => r.Name), ("policy", r => r.Own is null ? "as the settings" : "its own"), ("changed by", r => r.Own?.ChangedBy), ("changed", r => r.Own?.ChangedAt),
        ("look-ahead window", r => r.Policy.LookAhead), ("resync window", r => r.Policy.ResyncWindow), ("hard cap", r => r.Policy.HardCap),
        ("a guess hits, one in", r => PolicyEffect.OneIn(r.Policy.ChanceOfAGuess())), ("tokens", r => r.Tokens), ("people", r => r.People), ("programs", r => r.Programs));

    private static string ProgramsOf(string realm, List<ApiKey> keys) =>
        string.Join(", ", keys.Where(k => k.Realms.Length == 0 || k.Realms.Split(',').Contains(realm, StringComparer.Ordinal)).Select(k => k.Name));
}
