using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Pages;
using OathServer.Storage;

namespace OathServer.SignIn;

/// <summary>Signing in with a passkey, and the own passkeys. The browser asks the key by <c>passkeys.js</c>; everything else is
/// a form as elsewhere.</summary>
internal static class PasskeyPages
{
    private static readonly Phrase NotThis = new Phrase("This passkey is not known here, or its account may not sign in now.");

    public static void MapPasskeys(this IEndpointRouteBuilder routes)
    {
        var open = routes.MapGroup("/sign-in/passkey").AllowAnonymous().WithMetadata(new SpokenPage()).ExcludeFromDescription();
        open.MapPost("/", SignIn).LimitSignIns();
        open.MapPost("/question", AskToSignIn).LimitSignIns();
        var own = routes.MapGroup("/account/passkeys").RequireAuthorization(Rules.OwnAccount).WithMetadata(new SpokenPage()).ExcludeFromDescription();
        own.MapGet("/", Show);
        own.MapPost("/", Add).LimitSignIns();
        own.MapPost("/question", AskToAdd);
        own.MapPost("/remove", Remove).LimitSignIns();
    }

    private static async Task<IResult> AskToSignIn(HttpContext http, IAntiforgery forms, StaffPasskeys passkeys) =>
        await forms.IsRequestValidAsync(http) ? TypedResults.Ok(await passkeys.AskToSignInAsync(http)) : TypedResults.BadRequest();

    private static async Task<IResult> SignIn(
        [FromForm] string answer, [FromForm] string state, [FromForm] string? back,
        HttpContext http, StaffPasskeys passkeys, IConfiguration configuration, TimeProvider time, CancellationToken cancel)
    {
        if (await passkeys.SignInAsync(answer, state, http, Actors.Of(http), cancel) is not { } staff)
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return SignInPages.SignInPage(configuration, back, name: null, NotThis);
        }

        await http.SignInAsync(StaffSession.SchemeName, StaffSession.Principal(staff, time.GetUtcNow()));
        return TypedResults.LocalRedirect(ConsolePages.Local(back));
    }

    private static async Task<IResult> Show(HttpContext http, OathDbContext db, StaffPasskeys passkeys, CancellationToken cancel) =>
        await SelfAsync(http, db, cancel) is { } staff ? await PageAsync(staff, passkeys) : SignInPages.Page<NoAccount>(new { });

    private static async Task<IResult> AskToAdd(
        HttpContext http, IAntiforgery forms, OathDbContext db, StaffPasskeys passkeys, CancellationToken cancel) =>
        !await forms.IsRequestValidAsync(http) ? TypedResults.BadRequest()
        : await SelfAsync(http, db, cancel) is { } staff ? TypedResults.Ok(await passkeys.AskToAddAsync(staff, http)) : TypedResults.NotFound();

    private static async Task<IResult> Add(
        [FromForm] string name, [FromForm] string password, [FromForm] string answer, [FromForm] string state,
        HttpContext http, OathDbContext db, StaffPasskeys passkeys, CancellationToken cancel)
    {
        if (await SelfAsync(http, db, cancel) is not { } staff)
        {
            return TypedResults.NotFound();
        }

        var result = await passkeys.AddAsync(staff, password, name, answer, state, http, Actors.Of(http), cancel);
        return await AnswerAsync(http, result, passkeys, new Phrase("The passkey is added. From now on you can sign in with it."));
    }

    private static async Task<IResult> Remove(
        [FromForm] string id, [FromForm] string password,
        HttpContext http, OathDbContext db, StaffPasskeys passkeys, TimeProvider time, CancellationToken cancel)
    {
        if (await SelfAsync(http, db, cancel) is not { } staff)
        {
            return TypedResults.NotFound();
        }

        var result = await passkeys.RemoveAsync(staff, id, password, Actors.Of(http), cancel);
        if (result.Fault == StaffFault.None)
        {
            // All sessions ended with it; this one goes on.
            await http.SignInAsync(StaffSession.SchemeName, StaffSession.Principal(staff, time.GetUtcNow()));
        }

        return await AnswerAsync(http, result, passkeys, new Phrase("The passkey is removed. Sessions elsewhere have ended."));
    }

    private static async Task<IResult> AnswerAsync(HttpContext http, StaffResult result, StaffPasskeys passkeys, Phrase done)
    {
        var fault = result.Fault switch
        {
            StaffFault.None => null,
            StaffFault.WrongPassword => new Phrase("The present password is not right."),
            StaffFault.BadName => new Phrase("Give the passkey a name of at most {0} characters, so that you know it again.", StaffPasskeys.NameLengthMax),
            StaffFault.TooManyPasskeys => new Phrase("You have {0} passkeys. Remove one first.", StaffPasskeys.Most),
            _ => new Phrase("That did not work: the browser took too long, or the key is registered already. Try again."),
        };
        if (fault is not null)
        {
            http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
        }

        return await PageAsync(result.Staff!, passkeys, fault, fault is null ? done : null);
    }

    private static async Task<IResult> PageAsync(StaffMember staff, StaffPasskeys passkeys, Phrase? fault = null, Phrase? done = null) =>
        SignInPages.Page<PasskeysForm>(new { Passkeys = await passkeys.ListAsync(staff), Fault = fault, Done = done });

    /// <summary>The own row; null for an API key, or one who signed in at their organisation.</summary>
    private static async Task<StaffMember?> SelfAsync(HttpContext http, OathDbContext db, CancellationToken cancel) =>
        http.User.StaffId() is { } id ? await db.Staff.SingleAsync(s => s.Id == id, cancel) : null;
}
