using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Pages;
using OathServer.Storage;

namespace OathServer.SignIn;

/// <summary>Sign-in, sign-out, the one-time link, the own password.</summary>
internal static class SignInPages
{
    private static readonly Phrase NotThis = new Phrase("Name or password is not right, or this account may not sign in now. After five failures it waits a quarter of an hour.");
    private static readonly Phrase NotTheSame = new Phrase("The two new passwords are not the same.");

    public static void MapSignIn(this IEndpointRouteBuilder routes)
    {
        var open = routes.MapGroup("").AllowAnonymous().WithMetadata(new SpokenPage()).ExcludeFromDescription();
        // The results' plain type: what is made of routes at build time does not see the pages, which are made then, too.
        open.MapGet("/sign-in", RazorComponentResult (IConfiguration configuration, string? back = null, string? refused = null) =>
            ShowSignIn(configuration, back, refused));
        open.MapPost("/sign-in", SignIn).LimitSignIns();
        open.MapPost("/sign-in/elsewhere", SignInElsewhere);
        open.MapGet("/sign-in/arrived", Arrived);
        open.MapGet("/setup", ShowSetup);
        open.MapPost("/setup", Setup).LimitSignIns();
        open.MapPost("/sign-out", SignOut);
        routes.MapPasskeys();
        var own = routes.MapGroup("/account").RequireAuthorization(Rules.OwnAccount).WithMetadata(new SpokenPage()).ExcludeFromDescription();
        own.MapGet("/password", RazorComponentResult () => Page<PasswordForm>(new { }));
        own.MapPost("/password", ChangePassword).LimitSignIns();
    }

    private static RazorComponentResult<SignInForm> ShowSignIn(IConfiguration configuration, string? back, string? refused) =>
        SignInPage(configuration, back, name: null, refused is null ? null : new Phrase("Your organisation let you in, but gave you no role here. Ask an administrator."));

    private static async Task<IResult> SignIn(
        [FromForm] string name, [FromForm] string password, [FromForm] string? back,
        HttpContext http, StaffLife life, IConfiguration configuration, TimeProvider time, CancellationToken cancel)
    {
        if (await life.SignInAsync(name, password, Actors.Of(http), cancel) is not { } staff)
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return SignInPage(configuration, back, name, NotThis);
        }

        await http.SignInAsync(StaffSession.SchemeName, StaffSession.Principal(staff, time.GetUtcNow()));
        return TypedResults.LocalRedirect(ConsolePages.Local(back));
    }

    private static IResult SignInElsewhere([FromForm] string? back, IConfiguration configuration) => OpenIdSignIn.IsConfigured(configuration)
        ? TypedResults.Challenge(
            new AuthenticationProperties { RedirectUri = "/sign-in/arrived?back=" + Uri.EscapeDataString(ConsolePages.Local(back)) }, [OpenIdSignIn.SchemeName])
        : TypedResults.NotFound();

    /// <summary>The session cookie is not sent on a way that began on another site (SameSite=Strict); from this page on it is.</summary>
    private static ContentHttpResult Arrived(string? back = null) => TypedResults.Content(
        $"<!DOCTYPE html><html lang=\"en\"><head><title>OathServer</title><meta http-equiv=\"refresh\" content=\"0;url={System.Text.Encodings.Web.HtmlEncoder.Default.Encode(ConsolePages.Local(back))}\"></head><body><a href=\"/\">Go on</a></body></html>",
        "text/html; charset=utf-8");

    private static async Task<RazorComponentResult> ShowSetup(OathDbContext db, StaffLinks links, CancellationToken cancel, string token = "") =>
        SetupPage(await links.FindAsync(db, token, cancel), token, name: null, fault: null);

    private static async Task<IResult> Setup(
        [FromForm] string token, [FromForm] string? name, [FromForm] string password, [FromForm] string again,
        HttpContext http, OathDbContext db, StaffLinks links, StaffLife life, TimeProvider time, CancellationToken cancel)
    {
        var link = await links.FindAsync(db, token, cancel);
        var result = password != again
            ? new StaffResult(StaffFault.BadPassword, Text: NotTheSame.Text)
            : await life.ChoosePasswordAsync(token, name, password, Actors.Of(http), cancel);
        if (result.Fault != StaffFault.None)
        {
            http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
            return SetupPage(result.Fault == StaffFault.LinkUsed ? null : link, token, name, result.Text is null ? null : new Phrase(result.Text));
        }

        await http.SignInAsync(StaffSession.SchemeName, StaffSession.Principal(result.Staff!, time.GetUtcNow()));
        return TypedResults.LocalRedirect("/");
    }

    private static async Task<RedirectHttpResult> SignOut([FromForm] string? back, HttpContext http)
    {
        await http.SignOutAsync(StaffSession.SchemeName);
        // What a page showed is forgotten by the browser too (ASVS 5 V14.3.1).
        http.Response.Headers["Clear-Site-Data"] = "\"cache\", \"storage\"";
        return TypedResults.LocalRedirect(back is null ? "/sign-in" : ConsolePages.Local(back));
    }

    private static async Task<IResult> ChangePassword(
        [FromForm] string old, [FromForm] string password, [FromForm] string again,
        HttpContext http, StaffLife life, TimeProvider time, CancellationToken cancel)
    {
        if (http.User.StaffId() is not { } id)
        {
            return TypedResults.NotFound();
        }

        var result = password != again
            ? new StaffResult(StaffFault.BadPassword, Text: NotTheSame.Text)
            : await life.ChangePasswordAsync(id, old, password, Actors.Of(http), cancel);
        if (result.Fault != StaffFault.None)
        {
            http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
            return Page<PasswordForm>(new { Fault = result.Text is null ? new Phrase("The present password is not right.") : new Phrase(result.Text) });
        }

        await http.SignInAsync(StaffSession.SchemeName, StaffSession.Principal(result.Staff!, time.GetUtcNow()));
        return Page<PasswordForm>(new { Done = true });
    }

    internal static RazorComponentResult<SignInForm> SignInPage(IConfiguration configuration, string? back, string? name, Phrase? fault) =>
        Page<SignInForm>(new { Fault = fault, Name = name, Back = ConsolePages.Local(back), OpenId = OpenIdSignIn.IsConfigured(configuration) });

    private static RazorComponentResult<SetupForm> SetupPage(StaffLink? link, string token, string? name, Phrase? fault) =>
        Page<SetupForm>(new { Usable = link is not null, NamesThemselves = link is { StaffId: null }, Token = token, Name = name, Fault = fault });

    internal static RazorComponentResult<T> Page<T>(object parameters) where T : IComponent => new RazorComponentResult<T>(parameters);
}
