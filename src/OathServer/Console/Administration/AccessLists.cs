using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>Who may come in, as lists: programs by their keys, and staff.</summary>
internal static class AccessLists
{
    public static readonly string[] KeyOrders = ["name", "used", "expires"];
    public static readonly string[] StaffOrders = ["name", "seen", "added"];

    /// <summary>The keys a list asks for, in its order; those that work before the revoked where none is asked for.</summary>
    public static IQueryable<ApiKey> Keys(OathDbContext db, Listing list)
    {
        var keys = db.ApiKeys.AsNoTracking();
        if (list.Begins is { } begins)
        {
            keys = keys.Where(k => k.Name.ToUpper().StartsWith(begins));
        }

        return list.Sort switch
        {
            "name" => keys.OrderBy(k => k.Name),
            "-name" => keys.OrderByDescending(k => k.Name),
            "used" => keys.OrderBy(k => k.LastUsedAt != null).ThenBy(k => k.LastUsedAt).ThenBy(k => k.Id),
            "-used" => keys.OrderByDescending(k => k.LastUsedAt != null).ThenByDescending(k => k.LastUsedAt).ThenByDescending(k => k.Id),
            "expires" => keys.OrderBy(k => k.ExpiresAt == null).ThenBy(k => k.ExpiresAt).ThenBy(k => k.Id),
            "-expires" => keys.OrderBy(k => k.ExpiresAt == null).ThenByDescending(k => k.ExpiresAt).ThenBy(k => k.Id),
            _ => keys.OrderBy(k => k.RevokedAt != null).ThenBy(k => k.Name),
        };
    }

    /// <summary>The staff a list asks for, in its order.</summary>
    public static IQueryable<StaffMember> Staff(OathDbContext db, Listing list)
    {
        var staff = db.Staff.AsNoTracking();
        if (list.Begins is { } begins)
        {
            staff = staff.Where(s => s.NormalizedUserName!.StartsWith(begins));
        }

        return list.Sort switch
        {
            "-name" => staff.OrderByDescending(s => s.NormalizedUserName),
            "seen" => staff.OrderBy(s => s.LastSignInAt != null).ThenBy(s => s.LastSignInAt).ThenBy(s => s.Id),
            "-seen" => staff.OrderByDescending(s => s.LastSignInAt != null).ThenByDescending(s => s.LastSignInAt).ThenByDescending(s => s.Id),
            "added" => staff.OrderBy(s => s.CreatedAt).ThenBy(s => s.Id),
            "-added" => staff.OrderByDescending(s => s.CreatedAt).ThenByDescending(s => s.Id),
            _ => staff.OrderBy(s => s.NormalizedUserName),
        };
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        var files = routes.MapGroup("/admin").RequireAuthorization(Rules.Administer).ExcludeFromDescription();
        files.MapGet("/api-keys.csv", KeysFile);
        files.MapGet("/staff.csv", StaffFile);
    }

    private static IResult KeysFile(HttpRequest request, OathDbContext db, TimeProvider time) => CsvFile.Of(
        "api-keys.csv", Keys(db, new Listing(request, "", KeyOrders)).AsAsyncEnumerable(),
        ("name", k => k.Name), ("role", k => k.Role), ("realms", k => k.Realms), ("state", k => Words.Of(k, time.GetUtcNow()).Text),
        ("last used", k => k.LastUsedAt), ("expires", k => k.ExpiresAt), ("revoked", k => k.RevokedAt));

    private static IResult StaffFile(HttpRequest request, OathDbContext db, TimeProvider time) => CsvFile.Of(
        "staff.csv", Staff(db, new Listing(request, "name", StaffOrders)).AsAsyncEnumerable(),
        ("name", s => s.UserName), ("role", s => s.Role), ("state", s => Words.Of(s, time.GetUtcNow()).Text), ("last sign-in", s => s.LastSignInAt), ("added", s => s.CreatedAt));
}
