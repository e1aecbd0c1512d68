using System.Globalization;
using System.Linq.Expressions;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Interop;

/// <summary>What privacyIDEA's plugins ask as their service account: a token for it, a challenge for somebody, which tokens
/// there are. Only of the realms its key may enter.</summary>
internal static class PrivacyIdeaAccountEndpoint
{
    private const int PageSize = 15;
    private const int PageSizeMax = 1000;

    /// <summary>Filters of their token list that are kept here. Others would give a longer list than was asked for.</summary>
    private static readonly string[] filters =
        ["user", "serial", "realm", "tokenrealm", "type", "assigned", "active", "page", "pagesize", "sortby", "sortdir"];

    /// <summary>"active" as their clients understand it: a code of it may be accepted.</summary>
    private static readonly Expression<Func<Token, bool>> inUse = t =>
        (t.Counter!.State == TokenState.Active || t.Counter.State == TokenState.Imported) && (t.Counter.Flags & CounterFlags.HolderInactive) == 0;

    private static readonly Expression<Func<Token, bool>> notInUse = Expression.Lambda<Func<Token, bool>>(Expression.Not(inUse.Body), inUse.Parameters);

    // Compiled at the first list, not at every start.
    private static readonly Lazy<Func<Token, bool>> isInUse = new(inUse.Compile);

    public static void Map(IEndpointRouteBuilder routes)
    {
        // The account is in the request itself: ServiceAccounts decides.
        routes.MapMethods("/auth", [HttpMethods.Post], SignIn).AllowAnonymous().ExcludeFromDescription();
        routes.MapMethods("/validate/triggerchallenge", [HttpMethods.Get, HttpMethods.Post], Trigger).AllowAnonymous().ExcludeFromDescription();
        routes.MapMethods("/token/", [HttpMethods.Get], List).AllowAnonymous().ExcludeFromDescription();
    }

    private static async Task SignIn(HttpContext http, ServiceAccounts accounts, TimeProvider time)
    {
        var request = await CallerRequest.ReadAsync(http.Request, http.RequestAborted);
        if (request["username"] is not { Length: > 0 } name)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status401Unauthorized, PrivacyIdeaFault.NoUserName, "Authentication failure. Missing Username", time);
            return;
        }

        if (await accounts.SignInAsync(http, name, request["password"] ?? "", http.RequestAborted) is { } token)
        {
            await PrivacyIdeaReply.ValueAsync(http, time, writer =>
            {
                writer.WriteString("token", token);
                writer.WriteString("role", "admin");
                writer.WriteString("username", name);
                writer.WriteString("realm", "");
                writer.WriteNumber("log_level", 30);
                PrivacyIdeaReply.Strings(writer, "rights", ServiceAccounts.Rights);
                PrivacyIdeaReply.Strings(writer, "menus", []);
            });
            return;
        }

        await (accounts.MayTryAgain(http)
            ? PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status401Unauthorized, PrivacyIdeaFault.NotAllowed, "Authentication failure. Wrong credentials", time)
            : PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status429TooManyRequests, PrivacyIdeaFault.NotAllowed, "Too many attempts from this address.", time));
    }

    private static async Task Trigger(
        HttpContext http, ServiceAccounts accounts, ApiKeyLimits limits, OtherClients clients, OathDbContext db, TimeProvider time)
    {
        if (await AccountAsync(http, accounts, limits, time) is not { } account)
        {
            return;
        }

        var request = await CallerRequest.ReadAsync(http.Request, http.RequestAborted);
        var asked = new Asked(request["user"], request["serial"], request["realm"]);
        if (string.IsNullOrWhiteSpace(asked.User) && string.IsNullOrWhiteSpace(asked.Serial))
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, PrivacyIdeaFault.Parameter, "Missing parameter: 'user' or 'serial'", time);
            return;
        }

        var realms = ValidateEndpoint.RealmsOf(account);
        var realm = clients.RealmOf(asked);
        var theirs = asked.Serial is { Length: > 0 } serial
            ? Usable(db).Where(t => t.Serial == serial)
            : Usable(db).Where(t => t.Person!.Realm == realm && t.Person.NormalizedName == Person.Normalize(asked.User!));
        var found = await theirs.OrderBy(t => t.Id).Take(PageSize).Select(t => new { t.Serial, t.Realm }).ToListAsync(http.RequestAborted);
        var serials = found.Where(t => realms?.Invoke(t.Realm) ?? true).Select(t => t.Serial).ToArray();
        await (serials.Length == 0
            ? PrivacyIdeaReply.NothingTriggeredAsync(http, time)
            : PrivacyIdeaReply.ChallengeAsync(http, await clients.TriggerAsync(asked, serials, http.RequestAborted), time, triggered: serials.Length));
    }

    private static IQueryable<Token> Usable(OathDbContext db) => db.Tokens.AsNoTracking().Where(inUse)
        .Where(t => (t.Counter!.Flags & CounterFlags.Locked) == 0);

    private static async Task List(
        HttpContext http, ServiceAccounts accounts, ApiKeyLimits limits, RealmPolicies policies, OathDbContext db, TimeProvider time)
    {
        if (await AccountAsync(http, accounts, limits, time) is not { } account)
        {
            return;
        }

        var request = await CallerRequest.ReadAsync(http.Request, http.RequestAborted);
        if (http.Request.Query.Keys.FirstOrDefault(name => name.Length > 0 && !filters.Contains(name, StringComparer.Ordinal)) is { } odd)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, PrivacyIdeaFault.Parameter, $"This server does not know the filter '{Shown(odd)}'", time);
            return;
        }

        if (!Number(request["page"], 1, int.MaxValue / PageSizeMax, out var page) || !Number(request["pagesize"], PageSize, PageSizeMax, out var size)
            || request["serial"]?.Contains('*', StringComparison.Ordinal) == true || request["user"]?.Contains('*', StringComparison.Ordinal) == true)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, PrivacyIdeaFault.Parameter,
                $"page and pagesize are numbers from 1, pagesize at most {PageSizeMax}; serial and user are whole", time);
            return;
        }

        var tokens = Filtered(db, request);
        if (account.Realms.Length > 0)
        {
            tokens = tokens.Where(t => account.Realms.Contains(t.Realm));
        }

        var count = await tokens.CountAsync(http.RequestAborted);
        var rows = await tokens.Include(t => t.Counter).Include(t => t.Person).OrderBy(t => t.Serial)
            .Skip((page - 1) * size).Take(size).ToListAsync(http.RequestAborted);
        await PrivacyIdeaReply.ValueAsync(http, time, writer =>
        {
            writer.WriteNumber("count", count);
            writer.WriteNumber("current", page);
            if (page > 1)
            {
                writer.WriteNumber("prev", page - 1);
            }

            if ((long)page * size < count)
            {
                writer.WriteNumber("next", page + 1);
            }

            writer.WriteStartArray("tokens");
            foreach (var token in rows)
            {
                Write(writer, token, policies.Of(token.Realm));
            }

            writer.WriteEndArray();
        });
    }

    private static IQueryable<Token> Filtered(OathDbContext db, CallerRequest request)
    {
        var tokens = db.Tokens.AsNoTracking();
        if (request["serial"] is { Length: > 0 } serial)
        {
            tokens = tokens.Where(t => t.Serial == serial);
        }

        if (request["user"] is { Length: > 0 } user)
        {
            var name = Person.Normalize(user);
            tokens = tokens.Where(t => t.Person!.NormalizedName == name);
        }

        if ((request["tokenrealm"] ?? request["realm"]) is { Length: > 0 } realm)
        {
            tokens = tokens.Where(t => t.Realm == realm);
        }

        if (request["type"] is { Length: > 0 } type)
        {
            var kind = type.ToUpperInvariant() switch { "HOTP" => TokenType.Hotp, "TOTP" => TokenType.Totp, _ => (TokenType)0 };
            tokens = tokens.Where(t => t.Type == kind);
        }

        if (request["assigned"] is { Length: > 0 } assigned)
        {
            var given = IsTrue(assigned);
            tokens = tokens.Where(t => t.PersonId != null == given);
        }

        if (request["active"] is { Length: > 0 } active)
        {
            var used = IsTrue(active);
            tokens = used ? tokens.Where(inUse) : tokens.Where(notInUse);
        }

        return tokens;
    }

    private static void Write(Utf8JsonWriter writer, Token token, ValidationPolicy policy)
    {
        var row = token.Counter!;
        writer.WriteStartObject();
        writer.WriteNumber("id", token.Id);
        writer.WriteString("serial", token.Serial);
        writer.WriteString("tokentype", token.Type == TokenType.Totp ? "totp" : "hotp");
        writer.WriteString("description", "");
        writer.WriteStartObject("info");
        writer.WriteString("hashlib", token.Algorithm.ToString().ToLowerInvariant());
        if (token.Type == TokenType.Totp)
        {
            writer.WriteString("timeStep", token.TimeStep.ToString(CultureInfo.InvariantCulture));
        }

        writer.WriteEndObject();
        writer.WriteString("resolver", "");
        writer.WriteString("user_id", token.PersonId?.ToString(CultureInfo.InvariantCulture) ?? "");
        writer.WriteString("username", token.Person?.Name ?? "");
        writer.WriteString("user_realm", token.Person?.Realm ?? "");
        writer.WriteNumber("otplen", token.Digits);
        writer.WriteNumber("maxfail", policy.HardCap);
        writer.WriteBoolean("active", isInUse.Value(token));
        writer.WriteBoolean("revoked", row.State == TokenState.Disabled);
        writer.WriteBoolean("locked", (row.Flags & CounterFlags.Locked) != 0);
        writer.WriteNumber("failcount", row.Failures);
        writer.WriteNumber("count", row.Counter);
        writer.WriteNumber("count_window", policy.LookAhead + 1);
        writer.WriteNumber("sync_window", policy.ResyncWindow);
        writer.WriteString("rollout_state", "");
        PrivacyIdeaReply.Strings(writer, "realms", [token.Realm]);
        writer.WriteEndObject();
    }

    /// <summary>Whose request it is, with its place among those of the same key; null when it was answered.</summary>
    private static async Task<KnownApiKey?> AccountAsync(HttpContext http, ServiceAccounts accounts, ApiKeyLimits limits, TimeProvider time)
    {
        // One that came with the key itself has its place already.
        var hasPlace = http.ApiKey() is not null;
        if (await accounts.OfAsync(http, http.RequestAborted) is not { } account)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status401Unauthorized, PrivacyIdeaFault.NoToken, "Authentication failure. Missing or expired Authorization header.", time);
            return null;
        }

        if (!hasPlace)
        {
            if (limits.TryEnter(http, account, out var place) is { } refusal)
            {
                await refusal;
                return null;
            }

            http.Response.RegisterForDispose(place);
        }

        return account;
    }

    private static bool Number(string? text, int usual, int most, out int number)
    {
        number = usual;
        return text is not { Length: > 0 } || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= 1 && number <= most);
    }

    private static bool IsTrue(string text) => text is "1" || text.Equals("true", StringComparison.OrdinalIgnoreCase);

    private static string Shown(string name) => new([.. name.Take(32).Where(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')]);
}
