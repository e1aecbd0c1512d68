using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Scim;

/// <summary>SCIM 2.0 (RFC 7644) for users: who is in the organisation, so that whoever leaves can validate nothing from
/// that moment. The API key's realm, when it has exactly one, is the realm of its people.</summary>
internal static class ScimEndpoint
{
    private const string MediaType = "application/scim+json";
    private const string DefaultRealm = "default";
    private const int PageMax = 200;

    public static void MapScim(this IEndpointRouteBuilder routes)
    {
        var scim = routes.MapGroup("/scim/v2").RequireAuthorization(Rules.KeepPeople).KeepsToRealms().AddEndpointFilter(FaultAsync);
        scim.MapGet("/Users", List).WithSummary("Lists users, or finds one by userName or externalId.");
        scim.MapGet("/Users/{id}", Get).WithSummary("Reads a user.");
        scim.MapPost("/Users", Create).WithSummary("Makes a user known.");
        scim.MapPut("/Users/{id}", Replace).WithSummary("Replaces what is known of a user.");
        scim.MapPatch("/Users/{id}", Patch).WithSummary("Changes a user; active: false takes their tokens out of use.");
        scim.MapDelete("/Users/{id}", Delete).WithSummary("Forgets a user; their tokens go out of use.");
        scim.MapGet("/ServiceProviderConfig", () => Json(ScimDiscovery.ServiceProviderConfig())).WithSummary("What of SCIM is offered.");
        scim.MapGet("/ResourceTypes", () => Json(ScimDiscovery.ResourceTypes())).WithSummary("The one type of resource: User.");
        scim.MapGet("/Schemas", () => Json(ScimDiscovery.Schemas())).WithSummary("The attributes that are kept.");
    }

    private static async Task<IResult> List(
        HttpContext http, OathDbContext db, CancellationToken cancel, string? filter = null, int startIndex = 1, int count = 100)
    {
        var realm = RealmOf(http);
        var people = db.People.AsNoTracking().Where(p => p.Realm == realm);
        if (filter is not null)
        {
            people = ScimFilter.Apply(people, filter);
        }

        // Out of range is not an error in SCIM (RFC 7644 §3.4.2.4) but the nearest value that is in it.
        var start = Math.Max(startIndex, 1);
        var total = await people.CountAsync(cancel);
        var page = await people.OrderBy(p => p.Id).Skip(start - 1).Take(Math.Clamp(count, 0, PageMax)).ToListAsync(cancel);
        return Json(new JsonObject
        {
            ["schemas"] = new JsonArray("urn:ietf:params:scim:api:messages:2.0:ListResponse"),
            ["totalResults"] = total,
            ["startIndex"] = start,
            ["itemsPerPage"] = page.Count,
            ["Resources"] = new JsonArray([.. page.Select(p => ScimUser.ToJson(p, Location(http, p)))]),
        });
    }

    private static async Task<IResult> Get(string id, HttpContext http, OathDbContext db, CancellationToken cancel)
    {
        var person = await ScimPeople.FindAsync(db, RealmOf(http), id, cancel);
        return Json(ScimUser.ToJson(person, Location(http, person)));
    }

    private static async Task<IResult> Create(HttpContext http, OathDbContext db, ScimPeople people, CancellationToken cancel)
    {
        var user = ScimUser.Read(await BodyAsync(http, cancel));
        var person = await people.CreateAsync(db, RealmOf(http), user, Actors.Of(http), cancel);
        http.Response.Headers.Location = Location(http, person);
        return Json(ScimUser.ToJson(person, Location(http, person)), StatusCodes.Status201Created);
    }

    private static Task<IResult> Replace(string id, HttpContext http, OathDbContext db, ScimPeople people, CancellationToken cancel) =>
        ChangeAsync(id, (_, body) => ScimUser.Read(body), http, db, people, cancel);

    private static Task<IResult> Patch(string id, HttpContext http, OathDbContext db, ScimPeople people, CancellationToken cancel) =>
        ChangeAsync(id, ScimPatch.Apply, http, db, people, cancel);

    private static async Task<IResult> ChangeAsync(
        string id, Func<ScimUser, JsonObject, ScimUser> change, HttpContext http, OathDbContext db, ScimPeople people, CancellationToken cancel)
    {
        var body = await BodyAsync(http, cancel);
        var person = await ScimPeople.FindAsync(db, RealmOf(http), id, cancel);
        await people.UpdateAsync(db, person, change(ScimUser.Of(person), body), Actors.Of(http), cancel);
        return Json(ScimUser.ToJson(person, Location(http, person)));
    }

    private static async Task<IResult> Delete(string id, HttpContext http, OathDbContext db, ScimPeople people, CancellationToken cancel)
    {
        await people.RemoveAsync(db, await ScimPeople.FindAsync(db, RealmOf(http), id, cancel), Actors.Of(http), cancel);
        return Results.NoContent();
    }

    private static async Task<JsonObject> BodyAsync(HttpContext http, CancellationToken cancel)
    {
        try
        {
            // SCIM's attribute names have no case (RFC 7643 §2.1).
            var node = await JsonNode.ParseAsync(
                http.Request.Body, new JsonNodeOptions { PropertyNameCaseInsensitive = true },
                new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false }, cancel);
            return node as JsonObject ?? throw ScimFault.BadSyntax("The body is not a JSON object.");
        }
        catch (JsonException fault)
        {
            throw ScimFault.BadSyntax($"The body is not JSON, line {fault.LineNumber + 1}.");
        }
    }

    private static async ValueTask<object?> FaultAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (ScimFault fault)
        {
            return Json(fault.ToJson(), fault.Status);
        }
    }

    private static string RealmOf(HttpContext http) => http.ApiKey() switch
    {
        { Realms: [var one] } => one,
        { } key when !key.MayEnter(DefaultRealm) => throw new ScimFault(
            StatusCodes.Status403Forbidden, type: null, "This key is of several realms; a directory keeps the people of one. Make a key for each."),
        _ => DefaultRealm,
    };

    private static string Location(HttpContext http, Person person) =>
        $"{http.Request.Scheme}://{http.Request.Host}{http.Request.PathBase}/scim/v2/Users/{ScimPeople.IdOf(person)}";

    private static IResult Json(JsonNode body, int status = StatusCodes.Status200OK) => Results.Text(body.ToJsonString(), MediaType, statusCode: status);
}
